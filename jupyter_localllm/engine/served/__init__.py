"""Models behind servers: what all backends have in common that ask one."""
