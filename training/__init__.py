"""How the shipped models are made: data, rooms, networks, fitting, export."""
