"""What the adapters for web frameworks share. Private: import `zato_sso.fastapi`, `zato_sso.flask` and so on."""
