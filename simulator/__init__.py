"""A store in a box: scenes, shoppers and virtual devices on the product's own processes."""
