from typing import Any

def __getattr__(name: str) -> Any: ...  # private: what it has is told where the package shows it
