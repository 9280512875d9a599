"""Measures the models on labelled data with the field's protocols; reports are DESIGN.md section 9."""
