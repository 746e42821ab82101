"""Languages of media and the keyboards that go with them, as `LCID:keyboard`.

Source: Microsoft's list of default input profiles (input locales) in Windows language packs
(learn.microsoft.com/windows-hardware/manufacture/desktop/default-input-locales-for-windows-language-packs).
Any other keyboard can be given in the same form.
"""

from __future__ import annotations

import re

from lab.errors import InputError

KEYBOARDS = {
    "bg-BG": "0402:00030402", "cs-CZ": "0405:00000405", "da-DK": "0406:00000406", "de-DE": "0407:00000407",
    "el-GR": "0408:00000408", "en-GB": "0809:00000809", "en-US": "0409:00000409", "es-ES": "0c0a:0000040a",
    "es-MX": "080a:0000080a", "et-EE": "0425:00000425", "fi-FI": "040b:0000040b", "fr-CA": "0c0c:00001009",
    "fr-FR": "040c:0000040c", "hr-HR": "041a:0000041a", "hu-HU": "040e:0000040e", "it-IT": "0410:00000410",
    "lt-LT": "0427:00010427", "lv-LV": "0426:00020426", "nb-NO": "0414:00000414", "nl-NL": "0413:00020409",
    "pl-PL": "0415:00000415", "pt-BR": "0416:00000416", "pt-PT": "0816:00000816", "ro-RO": "0418:00010418",
    "ru-RU": "0419:00000419", "sk-SK": "041b:0000041b", "sl-SI": "0424:00000424", "sv-SE": "041d:0000041d",
    "tr-TR": "041f:0000041f", "uk-UA": "0422:00020422",
    "ja-JP": "0411:{03B5835F-F03C-411B-9CE2-AA23E1171E36}{A76C93D9-5523-4E90-AAFA-4DB112F9AC76}",
    "ko-KR": "0412:{A028AE76-01B1-46C2-99C4-ACD9858AE02F}{B5FE1F02-D5F2-4445-9C03-C568F23C99A1}",
    "zh-CN": "0804:{81D4E9C9-1D3B-41BC-9E6C-4B40BF79E35E}{FA550B04-5AD7-411F-A5AC-CA038EC515D7}",
    "zh-TW": "0404:{B115690A-EA02-48D5-A231-E3578D2FDF80}{B2F9C502-1742-11D4-9790-0080C882687E}",
}  # fmt: skip
KEYBOARD = re.compile(r"[0-9a-fA-F]{4}:(?:[0-9a-fA-F]{8}|\{[0-9A-Fa-f-]{36}\}\{[0-9A-Fa-f-]{36}\})")


def keyboard(language: str, given: str = "") -> str:
    """The keyboard of a guest: what was asked for, or the one that goes with its language.

    :raise InputError: a language that is not in the list and no keyboard, or one in another form.
    """
    if given:
        if not KEYBOARD.fullmatch(given):
            raise InputError(f"keyboard {given!r} cannot be read (wanted LCID:layout such as 0407:00000407)")
        return given
    if language not in KEYBOARDS:
        raise InputError(
            f"language {language!r}: the lab knows no keyboard for it",
            hint="give one: keyboard: 0409:00000409",
        )
    return KEYBOARDS[language]
