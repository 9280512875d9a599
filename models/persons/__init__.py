"""Person detection. Imports no face module."""

from models.persons.detector import PersonDetector, load_person_detector

__all__ = ["PersonDetector", "load_person_detector"]
