"""Model catalogue, weights built from registry packages, ONNX sessions, face and person models, evaluation.

Importing this package, or `models.persons`, never imports a face module; only `models.faces` does (PRIVACY P9).
"""
