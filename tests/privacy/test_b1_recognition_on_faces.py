"""B1 as far as the data reach, and 1:1 verification: who is named wrongly, and who is not recognised.

B1 asks for FPIR <= 1e-4 in a gallery of 1,000. ../shared/data has 158 people: half of them are enrolled, half are
strangers, so one stranger named is 1.3 % of the strangers. What can be said with 95 % confidence is printed (Clopper
and Pearson over people, not over photographs: those of one person are not independent). The gallery is filled up to
1,000 with made-up people: aligned crops of two enrolled people blended. They are stated wherever they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta

from edge.gallery import Gallery
from edge.values import Instant
from edge.vision.decide import Rule, decide
from edge.vision.shots import FaceCase, Shot
from edge.vision.thresholds import VERIFY_THRESHOLD, default_threshold

PHOTOS, ENROLLED_PHOTOS, MADE_UP = 4, 2, 1000
TARGET_FPIR = 5e-5
"""recognition.target_fpir as shipped."""
Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Faces:
    """Of every photograph: aligned crop, probe as the pipeline makes it, template as enrolment makes it, person."""

    crops: list[NDArray[np.uint8]]
    probes: Vectors
    templates: Vectors
    people: NDArray[np.int64]


@pytest.fixture(scope="module")
def faces(models: Any, shared_faces: Path) -> Faces:
    from models.faces.enrolment import enrolment_template
    from models.faces.stills import detect_still, most_prominent

    crops, probes, templates, people = [], [], [], []
    for person, folder in enumerate(sorted(one for one in shared_faces.iterdir() if one.is_dir())):
        for file in sorted(folder.glob("*.jpg"))[:PHOTOS]:
            photo = np.asarray(cv2.imread(str(file)), np.uint8)
            boxes = detect_still(models.detector, photo)
            if not len(boxes):
                continue
            five = models.landmarks(photo, boxes[most_prominent(boxes, photo)][:4]).five
            crop = models.align(photo, five)
            crops.append(crop)
            probes.append(models.embed([crop])[0])
            templates.append(enrolment_template(models, crop))
            people.append(person)
    return Faces(crops, np.stack(probes), np.stack(templates), np.array(people))


def splits(faces: Faces, count: int) -> Iterator[tuple[list[int], NDArray[np.int64]]]:
    """(people enrolled, all others) for `count` random halves."""
    names = np.unique(faces.people)
    for seed in range(count):
        mixed = np.random.default_rng(seed).permutation(names)
        yield mixed[: len(names) // 2].tolist(), mixed[len(names) // 2 :]


def enrol(faces: Faces, people: list[int]) -> tuple[Gallery, set[int]]:
    """Two photographs of each into a gallery; answers the rows used."""
    gallery, used = Gallery(), set()
    for person in people:
        for row in np.flatnonzero(faces.people == person)[:ENROLLED_PHOTOS].tolist():
            gallery.put(f"p{person}", f"t{row}", faces.templates[row], 1e9)
            used.add(row)
    return gallery, used


def made_up(faces: Faces, people: list[int], models: Any, count: int) -> Vectors:
    """Templates of people who do not exist: blends of two enrolled ones, so that no stranger stands behind them."""
    from models.faces.enrolment import enrolment_template

    random, rows = np.random.default_rng(1), np.flatnonzero(np.isin(faces.people, people))
    found = []
    while len(found) < count:
        one, other = random.choice(rows, 2)
        if faces.people[one] != faces.people[other]:
            blend = cv2.addWeighted(faces.crops[one], 0.5, faces.crops[other], 0.5, 0)
            found.append(enrolment_template(models, np.asarray(blend, np.uint8)))
    return np.stack(found)


def named(gallery: Gallery, probe: Vectors, threshold: float, margin: float = 0.05) -> str | None:
    found = gallery.search(probe)
    return found.subject if found is not None and found.similarity >= threshold and found.margin >= margin else None


def upper(hits: int, of: int) -> float:
    """One-sided 95 % limit (Clopper and Pearson 1934)."""
    return 1.0 if hits >= of else float(beta.ppf(0.95, hits + 1, of - hits))


@pytest.mark.slow
def test_open_set_at_the_shipped_threshold(faces: Faces) -> None:
    found, wanted, wrong, strange, people, of_people = 0, 0, 0, 0, 0, 0
    for enrolled, strangers in splits(faces, 3):
        gallery, used = enrol(faces, enrolled)
        threshold = default_threshold(gallery.templates, TARGET_FPIR)
        mine = [row for row in np.flatnonzero(np.isin(faces.people, enrolled)).tolist() if row not in used]
        answers = [(row, named(gallery, faces.probes[row], threshold)) for row in mine]
        found += sum(answer == f"p{faces.people[row]}" for row, answer in answers)
        wanted += len(answers)
        assert not any(answer not in (None, f"p{faces.people[row]}") for row, answer in answers), "taken for another"
        others = np.flatnonzero(np.isin(faces.people, strangers)).tolist()
        hits = {int(faces.people[row]) for row in others if named(gallery, faces.probes[row], threshold) is not None}
        wrong += sum(named(gallery, faces.probes[row], threshold) is not None for row in others)
        strange += len(others)
        people, of_people = max(people, len(hits)), len(strangers)
    limit = upper(people, of_people)
    print(
        f"gallery {gallery.templates} templates, threshold {threshold:.3f}: TPIR {found / wanted:.3f} of {wanted}; "
        f"{wrong} of {strange} strangers' photographs named; FPIR <= {limit:.3f} by person (95 %, {of_people} people)"
    )
    assert found / wanted >= 0.9
    assert wrong / strange <= 1e-3


@pytest.mark.slow
def test_a_gallery_filled_up_with_made_up_people(faces: Faces, models: Any) -> None:
    """The threshold rises with the gallery; TPIR is what is left at it."""
    enrolled, strangers = next(splits(faces, 1))
    gallery, used = enrol(faces, enrolled)
    for number, template in enumerate(made_up(faces, enrolled[:40], models, MADE_UP - gallery.subjects)):
        gallery.put(f"made-up {number}", "t", template, 1e9)
    threshold = default_threshold(gallery.templates, TARGET_FPIR)
    # Blends resemble the people they are made of: only those who lent no picture are looked for.
    lent = set(enrolled[:40])
    mine = [
        row for row in np.flatnonzero(np.isin(faces.people, enrolled)).tolist()
        if row not in used and int(faces.people[row]) not in lent
    ]  # fmt: skip
    found = sum(named(gallery, faces.probes[row], threshold) == f"p{faces.people[row]}" for row in mine)
    others = np.flatnonzero(np.isin(faces.people, strangers)).tolist()
    wrong = sum(named(gallery, faces.probes[row], threshold) is not None for row in others)
    print(
        f"gallery {gallery.subjects} subjects ({MADE_UP - len(enrolled)} made up), threshold {threshold:.3f}: "
        f"TPIR {found / len(mine):.3f} of {len(mine)}; {wrong} of {len(others)} strangers' photographs named"
    )
    assert gallery.subjects == MADE_UP
    assert found / len(mine) >= 0.8
    assert wrong == 0


def told(gallery: Gallery, shots: Vectors) -> str | None:
    """The name that the pipeline tells anybody at any moment of these pictures, one after the other."""
    rule, case = Rule(None, TARGET_FPIR, 0.05, 0.08, len(shots), 60.0), FaceCase(PHOTOS, permitted=True)
    for number, vector in enumerate(shots):
        taken = Instant(0.3 * number, datetime(2026, 1, 1, tzinfo=UTC))
        case.first_usable = case.first_usable or taken
        case.embedded(Shot(np.zeros((5, 2), np.float32), 0.8, taken), vector.copy())
        decision = decide(case, gallery, rule, taken, ended=number == len(shots) - 1)
        if decision is not None and decision.subject is not None:
            return decision.subject
    return None


@pytest.mark.slow
def test_the_whole_rule_by_person(faces: Faces) -> None:
    """Everything that may tell a name (one clear picture, one with a long lead, two that agree, the mean) together: who
    is named at any moment, and how many are known. Up to four pictures of a stranger, two of a customer."""
    strangers, named_people, wanted, found = 0, set(), 0, 0
    for enrolled, others in splits(faces, 8):
        gallery, used = enrol(faces, enrolled)
        for person in others.tolist():
            strangers += 1
            if told(gallery, faces.probes[faces.people == person]) is not None:
                named_people.add(person)
        for person in enrolled:
            rows = [row for row in np.flatnonzero(faces.people == person).tolist() if row not in used]
            answer = told(gallery, faces.probes[rows]) if rows else f"p{person}"
            assert answer in (None, f"p{person}"), "taken for another"
            wanted, found = wanted + bool(rows), found + bool(rows and answer)
    people = len(np.unique(faces.people))
    print(
        f"whole rule, gallery {gallery.templates} templates: {len(named_people)} of {people} people ever named as "
        f"strangers ({strangers} trials; FPIR by person <= {upper(len(named_people), people):.3f}, 95 %); "
        f"TPIR {found / wanted:.3f} of {wanted}"
    )
    assert not named_people
    assert found / wanted >= 0.95


@pytest.mark.slow
def test_the_whole_rule_in_a_gallery_of_a_thousand(faces: Faces, models: Any) -> None:
    """B1's figure by person, as far as blends can stand in for people."""
    enrolled, strangers = next(splits(faces, 1))
    gallery, used = enrol(faces, enrolled)
    lent = enrolled[:40]
    for number, template in enumerate(made_up(faces, lent, models, MADE_UP - gallery.subjects)):
        gallery.put(f"made-up {number}", "t", template, 1e9)
    mine = {
        person: [row for row in np.flatnonzero(faces.people == person).tolist() if row not in used]
        for person in enrolled[40:]
    }
    known = [told(gallery, faces.probes[rows]) == f"p{person}" for person, rows in mine.items() if rows]
    named_people = sum(told(gallery, faces.probes[faces.people == person]) is not None for person in strangers)
    low = 1 - upper(len(known) - sum(known), len(known))
    print(
        f"whole rule, {gallery.subjects} subjects: TPIR {np.mean(known):.3f} of {len(known)} people "
        f"(at least {low:.3f}, 95 %); {named_people} of {len(strangers)} strangers named"
    )
    assert named_people == 0
    assert np.mean(known) >= 0.9


@pytest.mark.slow
def test_verification_one_to_one(faces: Faces) -> None:
    """Mode verify: the face at the spot against the templates of the person who checked in."""
    genuine, impostor, by_person = [], [], {}
    gallery, used = enrol(faces, np.unique(faces.people).tolist())
    probes = [row for row in range(len(faces.people)) if row not in used]
    opened = {f"p{person}": [row for row in used if faces.people[row] == person] for person in np.unique(faces.people)}
    for person in np.unique(faces.people).tolist():
        cosines = (faces.probes[probes] @ faces.templates[opened[f"p{person}"]].T).max(axis=1)
        scores = dict(zip(probes, cosines.tolist(), strict=True))
        shown = probes[person % len(probes)]
        assert gallery.verify(f"p{person}", faces.probes[shown]) == pytest.approx(scores[shown], abs=2e-3)
        mine = [score for row, score in scores.items() if faces.people[row] == person]
        genuine += mine
        by_person[person] = mine
        impostor += [score for row, score in scores.items() if faces.people[row] != person]
    fnmr = float(np.mean(np.array(genuine) < VERIFY_THRESHOLD))
    fmr = float(np.mean(np.array(impostor) >= VERIFY_THRESHOLD))
    random, lists = np.random.default_rng(2), [scores for scores in by_person.values() if scores]
    drawn = [np.concatenate([lists[i] for i in random.integers(0, len(lists), len(lists))]) for _ in range(500)]
    low, high = np.quantile([np.mean(scores < VERIFY_THRESHOLD) for scores in drawn], [0.025, 0.975])
    print(
        f"verify at {VERIFY_THRESHOLD}: FNMR {fnmr:.4f} ({low:.4f} to {high:.4f}, by person) of {len(genuine)}; "
        f"FMR {fmr:.1e}, {sum(score >= VERIFY_THRESHOLD for score in impostor)} of {len(impostor)}"
    )
    assert fmr <= 2e-4  # 1e-4 is what the threshold is set for; five pairs of 48,000 cannot say more
    assert fnmr <= 0.02
