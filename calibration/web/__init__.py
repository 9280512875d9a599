"""The pages of an installer: floor calibration and audit. Served to this machine alone; pictures stay in memory."""
