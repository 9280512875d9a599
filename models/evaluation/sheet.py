"""The worst pairs of an evaluation as one HTML page of pictures, for a human to judge.

It shows faces and folder names of the operator's own evaluation photos, inlined, and is written only when asked for.
A shop's customers never come near it: the edge has no photographs to give.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np

from models.detections import Frame
from models.evaluation.photos import Album, Photo, Seen

PAIRS_SHOWN = 24
JPEG_QUALITY = 85
STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;max-width:72rem}"
    "ul{display:flex;flex-wrap:wrap;gap:1rem;list-style:none;padding:0}"
    "li{border:1px solid #bbb;border-radius:6px;padding:.6rem;width:15rem}"
    "img{width:112px;height:112px}small{overflow-wrap:anywhere}"
)
NOTICE = (
    "This page holds photographs of people out of the evaluation folder. It was written because --sheet asked for it; "
    "treat it like the photographs themselves and delete it when done."
)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two photos, their cosine, and whether they show one person according to the folders."""

    first: Photo
    second: Photo
    cosine: float
    same: bool


@dataclass(frozen=True, slots=True)
class WorstPairs:
    """Errors furthest from the threshold first, and the pairs on either side nearest to it."""

    false_matches: list[Pair]
    misses: list[Pair]
    nearest: list[Pair]


def worst_pairs(album: Album, threshold: float, count: int = PAIRS_SHOWN) -> WorstPairs:
    """All pairs of found photos compared: different people above `threshold`, one person's at or below it."""
    photos = [photo for photo in album.photos if photo.near is not None]
    vectors = np.stack([photo.near.vector for photo in photos if photo.near is not None])
    labels = np.array([photo.label for photo in photos])
    first, second = np.triu_indices(len(photos), 1)
    cosines = (vectors @ vectors.T)[first, second]
    same = labels[first] == labels[second]

    def pick(chosen: np.ndarray, order: np.ndarray) -> list[Pair]:
        places = np.flatnonzero(chosen)
        places = places[np.argsort(order[places], kind="stable")[:count]]
        return [Pair(photos[first[i]], photos[second[i]], float(cosines[i]), bool(same[i])) for i in places]

    return WorstPairs(
        false_matches=pick(~same & (cosines > threshold), -cosines),
        misses=pick(same & (cosines <= threshold), cosines),
        nearest=pick(np.ones(len(cosines), bool), np.abs(cosines - threshold)),
    )


def sheet_html(album: Album, threshold: float) -> str:
    """The page; names are escaped, nothing is loaded from elsewhere."""
    pairs = worst_pairs(album, threshold)
    sections = (
        ("Different people taken for one (false matches)", pairs.false_matches),
        ("One person taken for two (misses)", pairs.misses),
        ("Nearest to the threshold, either side", pairs.nearest),
    )
    body = "".join(_section(title, chosen, album.identities) for title, chosen in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Worst pairs</title>'
        f"<style>{STYLE}</style></head><body><h1>Worst pairs at cosine threshold {threshold:.3f}</h1>"
        f"<p>{escape(NOTICE)}</p>{body}</body></html>\n"
    )


def _section(title: str, pairs: Sequence[Pair], names: Sequence[str]) -> str:
    items = "".join(_item(pair, names) for pair in pairs) or "<li>none</li>"
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>"


def _item(pair: Pair, names: Sequence[str]) -> str:
    pictures = "".join(_picture(photo.near.crop) for photo in (pair.first, pair.second) if photo.near is not None)
    captions = " / ".join(_caption(photo, photo.near, names) for photo in (pair.first, pair.second))
    kind = "same" if pair.same else "different"
    return f"<li>{pictures}<br>cosine {pair.cosine:.3f}, {kind}<br><small>{captions}</small></li>"


def _caption(photo: Photo, seen: Seen | None, names: Sequence[str]) -> str:
    width = "" if seen is None else f" ({seen.width:.0f} px)"
    return escape(f"{names[photo.label]}/{photo.file.name}{width}")


def _picture(crop: Frame) -> str:
    encoded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(encoded).decode()}">'
