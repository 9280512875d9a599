"""The pictures of a store in a box: an entrance with real faces, a floor with rendered figures, served as cameras."""
