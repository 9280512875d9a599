"""QR and barcode scanners: `base` has the Protocol, `thread` keeps one alive, `options` the configuration."""
