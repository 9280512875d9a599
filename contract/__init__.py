"""What is said on the wire: channels, events, commands, codec. Standard library and pydantic only."""
