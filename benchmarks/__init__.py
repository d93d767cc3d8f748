"""What agent_trace costs, measured on this machine beside what people use today: `make bench`."""
