"""People counters of others: cameras that count by themselves and say so over MQTT (ONVIF Profile M)."""
