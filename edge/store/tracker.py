"""The tracks of all cameras as one set of people: merged on the plan by place, time and velocity, never by appearance.

Each camera's look is matched to the people as a whole (Hungarian method on log-likelihoods), so that one person seen
by two cameras is one track, and who comes out of sight of one camera is taken up by the next. Pure and deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from edge.store.continuity import Sighting
from edge.store.doubt import Doubts
from edge.store.motion import MotionBank, measured
from edge.store.people import Door, Link, Look, Person, StoreSettings, StoreView
from edge.values import Floats, FloorPosition

_LATEST_S = 1.0
"""A look that comes later than this after its moment is not used."""
_HELD, _HELD_UNCLEAR = 6.0, 1.5
"""What the same track in the same camera counts for, nats; little while others overlap it in the picture."""
_HELD_M, _HELD_S, _HELD_GATE = 2.5, 1.0, 60.0
_USUAL, _LEAP = 6.0, 16.0
"""Mahalanobis distances squared: from the first on a look weighs less, from the second on it speaks for a mix-up."""
_NEAR_M = 1.0
_STRAY_S = 1.2
_ONE_S, _ONE_M = 0.8, 0.5
_OUT_OF_VIEW_S = 1.2
"""Who went out of a camera's picture at its border longer ago than this is not who comes into that picture."""
_TWO_S, _REMEMBERED_S = 2.0, 20.0
_ONWARDS_S = 1.2
_LEAVING_S, _FLEETING_S, _FLEETING_LOOKS = 0.6, 0.8, 4
_STANDS_MPS, _BIAS_LEFT, _BIAS_KEPT, _BIAS_GAIN, _BIAS_M = 0.4, 0.85, 0.99, 0.08, 0.7
_FAR = -1e6


class StoreTracker:
    """Tracks are named `prefix` + number. `doors`: entrance lines, where new people are to be expected."""

    def __init__(self, prefix: str, settings: StoreSettings | None = None, doors: Iterable[Door] = ()) -> None:
        self._prefix = prefix
        self._settings = settings or StoreSettings()
        self._doors = tuple(doors)
        self._bank = MotionBank()
        self._people: list[Person] = []
        self._strays: dict[tuple[str, str], tuple[float, float]] = {}
        self._near_since: dict[tuple[int, int], float] = {}
        self._side_by_side: dict[tuple[int, int], float] = {}
        self._owners: dict[tuple[str, str], tuple[int, float]] = {}
        self._doubts = Doubts(self._settings, self._expectation)
        self._returned: set[int] = set()
        """Came back from the door: perhaps somebody else who came in as they left."""
        self._issued = 0
        self.merged = 0

    def step(self, look: Look, named: Collection[str] = ()) -> StoreView:
        """One look of one camera. `named`: the tracks that carry an identity: only they are asked for doubts."""
        if look.at < self._bank.at - _LATEST_S:
            return StoreView()
        self._bank.advance(look.at)
        lag = self._bank.at - look.at
        matched = self._match(look, lag)
        seen = {self._people[row]: position for row, position in matched.items()}
        begun = tuple((seen[one].track, self._name(one.id)) for one in seen if one.looks == 1)
        numbers = {self._number(name) for name in named}
        doubted = self._doubts.step(self._people, self._bank, numbers, self._exchanged(look, seen))
        doubted |= self._returned & numbers
        self._returned.clear()
        doubted |= self._unite(numbers)
        ended, gone_to = self._forget(self._bank.at)
        rows = [(row, seen[person]) for row, person in enumerate(self._people) if person in seen]
        return StoreView(
            tuple(self._tell(row, position, look.at) for row, position in rows),
            ended,
            tuple(position.track for _, position in rows),
            tuple(self._name(number) for number in sorted(doubted)),
            frozenset(self._name(number) for number in self._doubts.open),
            self._hidden(),
            gone_to,
            begun,
        )

    def _exchanged(self, look: Look, seen: dict[Person, FloorPosition]) -> set[tuple[int, int]]:
        """Pairs of whom one took up a picture track of the other, while both are here.

        One camera says that they changed places, the plan says that they did not. Either may be wrong.
        """
        here = {person.id for person in self._people}
        found: set[tuple[int, int]] = set()
        for person, position in seen.items():
            key = look.camera, position.track
            owner, last = self._owners.get(key, (person.id, look.at))
            if owner != person.id and owner in here and look.at - last <= self._settings.gap_s:
                found.add((owner, person.id))
            self._owners[key] = person.id, look.at
        for track in look.ended:
            self._owners.pop((look.camera, track), None)
        return found

    def leave(self, track: str, leaving: bool = True) -> None:
        """A track that crossed an entrance line outwards: nobody else is handed over to it. False: it is back."""
        number = self._number(track)
        for person in self._people:
            if person.id == number:
                if person.leaving and not leaving:
                    self._returned.add(number)
                person.leaving = leaving

    def tick(self, now: float) -> StoreView:
        """Tracks that ended because no camera says anything any more."""
        ended, gone_to = self._forget(now)
        suspended = frozenset(self._name(number) for number in self._doubts.open)
        return StoreView(ended=ended, suspended=suspended, hidden=self._hidden(), gone_to=gone_to)

    def _hidden(self) -> frozenset[str]:
        now, fresh = self._bank.at, self._settings.fresh_s
        return frozenset(self._name(person.id) for person in self._people if now - person.seen_at > fresh)

    def _match(self, look: Look, lag: float) -> dict[int, FloorPosition]:
        """Rows of people and the positions they were seen at; people who are new are among them."""
        points, spreads = measured(look.positions)
        matched: dict[int, FloorPosition] = {}
        leaps: set[int] = set()
        left = list(range(len(look.positions)))
        if len(self._people) and left:
            score, distance = self._scores(look, points, spreads, lag)
            rows, columns = linear_sum_assignment(score, maximize=True)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                if score[row, column] > 0:
                    matched[row] = look.positions[column]
                    if distance[row, column] > _LEAP:
                        leaps.add(row)
                    # A look far off is an outlier rather than a leap (Huber): a foot point behind a shelf, say.
                    off = max(1.0, float(distance[row, column]) / _USUAL)
                    here = points[column] - self._bias(row, look.camera, look.positions[column].track)
                    self._bank.correct(row, here, spreads[column] * off, lag)
                    self._remember(row, look, look.positions[column].track, here, spreads[column] * off)
                    left.remove(column)
        for row, position in matched.items():
            self._people[row].note(look.camera, position, look.at, self._settings.fresh_s, row not in leaps)
            x, y, along_x, along_y = self._bank.mean[row].tolist()
            self._people[row].pace = (x, y, along_x, along_y)
            self._learn_bias(row, look.camera, position, lag)
            self._strays.pop((look.camera, position.track), None)
        self._note_pairs([self._people[row].id for row in matched], look.at)
        for column in left:
            if self._is_new(look, look.positions[column], points[column], matched):
                matched[self._begin(look, look.positions[column], points[column], spreads[column])] = look.positions[
                    column
                ]
        for track in look.ended:
            self._strays.pop((look.camera, track), None)
        return matched

    def _bias(self, row: int, camera: str, track: str) -> Floats:
        """By how much this camera sees somebody elsewhere than the others do, as long as it is the same track."""
        link = self._people[row].links.get(camera)
        return np.array(link.bias if link is not None and link.track == track else (0.0, 0.0))

    def _learn_bias(self, row: int, camera: str, position: FloorPosition, lag: float) -> None:
        """From people who stand where a second camera sees them too; who walks on leaves it behind."""
        person = self._people[row]
        link = person.links[camera]
        x, y, along_x, along_y = self._bank.mean[row].tolist()
        bias = link.bias
        if math.hypot(along_x, along_y) > _STANDS_MPS:
            bias = (bias[0] * _BIAS_LEFT, bias[1] * _BIAS_LEFT)
        elif len(person.fresh(self._bank.at, self._settings.fresh_s)) > 1:
            off = position.point[0] - x + along_x * lag, position.point[1] - y + along_y * lag
            bias = _drawn(bias[0], off[0]), _drawn(bias[1], off[1])
            size = math.hypot(*bias)
            if size > _BIAS_M:
                bias = (bias[0] * _BIAS_M / size, bias[1] * _BIAS_M / size)
        person.links[camera] = replace(link, bias=bias)

    def _remember(self, row: int, look: Look, track: str, point: Floats, spread: Floats) -> None:
        state = self._bank.state(row)
        self._people[row].trail.add(Sighting(state.at, point, spread, state.mean, state.covariance, look.camera, track))

    @staticmethod
    def _left_view(person: Person, link: Link, now: float) -> bool:
        return link.edge and now - link.at > _OUT_OF_VIEW_S and person.only(link)

    def _favour_holders(self, look: Look, bonus: Floats, away: Floats) -> None:
        """A camera's track that was somebody a moment ago is not somebody else now, unless much speaks for it."""
        for column, position in enumerate(look.positions):
            holder = self._holder(look, position)
            if holder is not None and away[holder, column] <= _HELD_M:
                others = [row for row in range(len(bonus)) if row != holder]
                bonus[others, column] -= _HELD if position.clear else _HELD_UNCLEAR

    def _holder(self, look: Look, position: FloorPosition) -> int | None:
        """Row of the person who was this camera's track a moment ago."""
        for row, person in enumerate(self._people):
            link = person.links.get(look.camera)
            if link is not None and link.track == position.track and look.at - person.seen_at <= _HELD_S:
                return row
        return None

    def _scores(self, look: Look, points: Floats, spreads: Floats, lag: float) -> tuple[Floats, Floats]:
        """How much better each pair is than somebody new there, nats (`_FAR`: it can not be); distances squared."""
        tracks = [position.track for position in look.positions]
        biases = np.array([[self._bias(row, look.camera, track) for track in tracks] for row in range(len(self._bank))])
        distance, likelihood = self._bank.compare(points[None] - biases, spreads, lag)
        away = np.hypot(*np.moveaxis(points[None] - self._bank.mean[:, None, :2], 2, 0))
        unseen = np.array([self._bank.at - person.seen_at for person in self._people])
        reach = 1.0 + self._settings.walk_mps * unseen
        bonus = np.zeros_like(distance)
        for row, person in enumerate(self._people):
            link = person.links.get(look.camera)
            for column, position in enumerate(look.positions):
                if link is not None and link.track == position.track:
                    bonus[row, column] = _HELD if position.clear and link.clear else _HELD_UNCLEAR
                elif person.leaving or (
                    link is not None and link.edge and look.at - link.at > _OUT_OF_VIEW_S and person.only(link)
                ):
                    bonus[row, column] = _FAR
        self._favour_holders(look, bonus, away)
        new = np.log([self._expectation((float(x), float(y))) for x, y in points])
        gate = np.where(bonus >= _HELD, _HELD_GATE, self._settings.gate)
        allowed = (distance <= gate) & (away <= reach[:, None]) & (bonus > _FAR)
        return np.where(allowed, np.maximum(likelihood + bonus - new[None], 1e-3), _FAR), distance

    def _expectation(self, point: tuple[float, float]) -> float:
        """People per square metre who might appear there out of nothing."""
        near = any(_from_segment(point, door) <= self._settings.door_m for door in self._doors)
        return self._settings.door_density if near else self._settings.stranger_density

    def _is_new(self, look: Look, position: FloorPosition, point: Floats, matched: Collection[int]) -> bool:
        """Somebody new at once where nobody is near, else only when it stays so: a foot point may be far off."""
        idle = [row for row in range(len(self._people)) if row not in matched]
        away = np.hypot(*(self._bank.mean[idle, :2] - point).T) if idle else np.zeros(0)
        holder = self._holder(look, position)
        held = holder is not None and math.dist(self._bank.mean[holder, :2], point) <= _HELD_M
        if position.clear and not held and not (away < _NEAR_M).any():
            return True
        key = (look.camera, position.track)
        since, last = self._strays.get(key, (look.at, look.at))
        if look.at - last > self._settings.fresh_s * 2:
            since = look.at
        self._strays[key] = since, look.at
        return look.at - since >= _STRAY_S

    def _begin(self, look: Look, position: FloorPosition, point: Floats, spread: Floats) -> int:
        self._issued += 1
        person = Person(self._issued, look.at, look.at)
        person.note(look.camera, position, look.at, self._settings.fresh_s)
        self._people.append(person)
        self._bank.append(point, spread)
        self._remember(len(self._people) - 1, look, position.track, point, spread)
        self._strays.pop((look.camera, position.track), None)
        return len(self._people) - 1

    def _unite(self, named: Collection[int]) -> set[int]:
        """Two tracks that no camera ever shows side by side and that stay at one place are one person."""
        doubted: set[int] = set()
        now, fresh = self._bank.at, self._settings.fresh_s
        close: dict[tuple[int, int], float] = {}
        gone: set[int] = set()
        for row, first in enumerate(self._people):
            for other in range(row + 1, len(self._people)):
                second = self._people[other]
                if math.dist(self._bank.mean[row, :2], self._bank.mean[other, :2]) > _ONE_M:
                    continue
                ours, theirs = first.fresh(now, fresh), second.fresh(now, fresh)
                if not ours or not theirs or ours.keys() & theirs.keys():
                    continue
                pair = (first.id, second.id)
                close[pair] = self._near_since.get(pair, now)
                if (
                    now - close[pair] >= (_TWO_S if self._were_two(first, second) else _ONE_S)
                    and first.id not in gone
                    and second.id not in gone
                ):
                    keep, drop = (second, first) if second.id in named and first.id not in named else (first, second)
                    keep.links |= drop.links
                    gone.add(drop.id)
                    if named and drop.looks > 20 and (keep.id in named or drop.id in named):
                        doubted |= {keep.id} & set(named)
        self._near_since = close
        for person in self._people:
            if person.id in gone:
                person.seen_at = -math.inf
        self.merged += len(gone)
        return doubted

    def _note_pairs(self, numbers: list[int], at: float) -> None:
        """One camera saw these people at once: they are different people."""
        self._side_by_side |= {(a, b): at for a in numbers for b in numbers if a < b}

    def _were_two(self, first: Person, second: Person) -> bool:
        last = self._side_by_side.get((min(first.id, second.id), max(first.id, second.id)), -math.inf)
        return self._bank.at - last <= _REMEMBERED_S

    def _forget(self, now: float) -> tuple[tuple[str, ...], tuple[FloorPosition, ...]]:
        keep = np.array([now - person.seen_at <= self._patience(person) for person in self._people], np.bool_)
        if keep.all():
            return (), ()
        over = [person for person, kept in zip(self._people, keep, strict=True) if not kept]
        gone_to = tuple(self._gone_to(person) for person in over if math.isfinite(person.seen_at))
        self._bank.keep(keep)
        self._people = [person for person, kept in zip(self._people, keep, strict=True) if kept]
        live = {person.id for person in self._people}
        self._side_by_side = {pair: at for pair, at in self._side_by_side.items() if live.issuperset(pair)}
        return tuple(self._name(person.id) for person in over), gone_to

    def _gone_to(self, person: Person) -> FloorPosition:
        x, y, along_x, along_y = person.pace
        point = (x + along_x * _ONWARDS_S, y + along_y * _ONWARDS_S)
        return FloorPosition(self._name(person.id), point, person.seen_at + _ONWARDS_S)

    def _patience(self, person: Person) -> float:
        if person.leaving:
            return _LEAVING_S
        return _FLEETING_S if person.looks < _FLEETING_LOOKS else self._settings.gap_s

    def _tell(self, row: int, position: FloorPosition, at: float) -> FloorPosition:
        x, y = self._bank.mean[row, :2].tolist()
        (xx, xy), (_, yy) = self._bank.covariance[row, :2, :2].tolist()
        return FloorPosition(self._name(self._people[row].id), (x, y), at, (xx, xy, yy), position.clear)

    def _name(self, number: int) -> str:
        return f"{self._prefix}{number}"

    def _number(self, name: str) -> int:
        return int(name.removeprefix(self._prefix))


def _from_segment(point: tuple[float, float], segment: Door) -> float:
    """Metres from a segment."""
    (ax, ay), (bx, by) = segment
    length = (bx - ax) ** 2 + (by - ay) ** 2
    share = 0.0 if length == 0 else ((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / length
    share = min(max(share, 0.0), 1.0)
    return math.hypot(point[0] - ax - share * (bx - ax), point[1] - ay - share * (by - ay))


def _drawn(bias: float, off: float) -> float:
    """A bias after one more look that was off by so much; it fades where nothing speaks for it."""
    return _BIAS_KEPT * bias + _BIAS_GAIN * (off - bias)
