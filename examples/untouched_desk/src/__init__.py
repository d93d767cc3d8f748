"""A desk that votes: models of eight providers, and the agents that ask them. Nothing in here knows of tracing."""
