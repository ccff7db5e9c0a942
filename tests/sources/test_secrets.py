"""Names of secrets, and names that only look alike."""

from __future__ import annotations

import pytest

from jupyter_localllm.sources.secrets import looks_secret, secret_notes

SECRET = """
    password Password PASSWORD dbPassword db_password userpassword passwd DB_PASSWD passphrase secret client_secret
    clientSecret token access_token accessToken auth-token GITHUB_TOKEN api_key apiKey apikey X-API-Key API_KEY_2
    OPENAI_API_KEY aws_access_key_id private_key privateKey ssh_private_key credential credentials gcp_credentials
    authorization Authorization proxy_authorization cookie session_cookie Set-Cookie cookies bearer bearer_token
    Passwort benutzer_kennwort contraseña mot_de_passe senha пароль 密码 password_hash secrets
"""
HARMLESS = """
    tokens tokenizer token_count max_tokens n_tokens token_type token_ids prompt_tokens eos_token pad_token
    next_token keyboard key keys primary_key foreign_key secretary Secretariat passenger passport compass pass
    password_length passwordPolicy has_password cookies_sold cookie_count authorization_date author authority bear
    monkey hockey turkey_population name Population of 2024 année 年
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets(name: str) -> None:
    """In any spelling and some languages."""
    assert looks_secret(name)


@pytest.mark.parametrize("name", [*HARMLESS.split(), "", "   ", "Years of Nicholas T. Kane"])
def test_names_that_only_look_alike(name: str) -> None:
    """A column of a real table is not left out for a syllable."""
    assert not looks_secret(name)


def test_the_note_tells_which_and_how_many() -> None:
    """Places and the count, and nothing where nothing was left out."""
    assert secret_notes("cfg", []) == ()
    (note,) = secret_notes("cfg", [f"/{n}/password" for n in range(7)])
    assert note.code == "secret"
    assert "7 values" in note.text
    assert "/4/password and 2 more" in note.text
    assert "cfg" in note.text
