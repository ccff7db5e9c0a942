"""Reports: notebooks that run unattended, what they answered, and the page that one sends on."""
