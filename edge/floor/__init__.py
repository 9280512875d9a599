"""People on the floor: positions in metres, zones, lines, occupancy. Anonymous: nothing here knows a face."""
