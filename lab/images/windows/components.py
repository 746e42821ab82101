"""Whether an answer file is one that Windows Setup takes: components, passes and settings, as documented.

Microsoft's own schema may not be passed on, so this is the part of the Unattended Windows Setup Reference
(`SOURCE`) that the lab uses, as a table: for each component the settings by path, and for each the passes it
is valid in. What the table does not know is a problem: a setting is looked up before it is written.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

SOURCE = "learn.microsoft.com/windows-hardware/customize/desktop/unattend/"
NAMESPACE = "urn:schemas-microsoft-com:unattend"
ACTIONS = "http://schemas.microsoft.com/WMIConfig/2002/State"
PUBLIC_KEY_TOKEN = "31bf3856ad364e35"  # noqa: S105 - the token of Microsoft's own components, public
PASSES = (
    "windowsPE", "offlineServicing", "generalize", "specialize", "auditSystem", "auditUser", "oobeSystem",
)  # fmt: skip
LONGEST_PATH = 259
"""Of a RunSynchronousCommand (Microsoft-Windows-Setup)."""
LONGEST_COMMAND = 1024
LONGEST_NAME = 15
"""Of a NetBIOS computer name."""

_PE, _SPECIALIZE, _OOBE = ("windowsPE",), ("specialize",), ("oobeSystem",)
_LOCALE = ("InputLocale", "SystemLocale", "UILanguage", "UserLocale", "UILanguageFallback")
_RUN = "RunSynchronous/RunSynchronousCommand"
_DISK = "DiskConfiguration/Disk"
_NEW = f"{_DISK}/CreatePartitions/CreatePartition"
_CHANGE = f"{_DISK}/ModifyPartitions/ModifyPartition"
_LOGON = "FirstLogonCommands/SynchronousCommand"
_IMAGE = "ImageInstall/OSImage"
_ACCOUNT = "UserAccounts/LocalAccounts/LocalAccount"

Table = dict[str, tuple[str, ...]]
SETTINGS: dict[str, Table] = {
    "Microsoft-Windows-International-Core-WinPE": dict.fromkeys(
        (*_LOCALE, "SetupUILanguage/UILanguage"), _PE
    ),
    "Microsoft-Windows-International-Core": dict.fromkeys(_LOCALE, ("specialize", "oobeSystem")),
    "Microsoft-Windows-PnpCustomizationsWinPE": {"DriverPaths/PathAndCredentials/Path": _PE},
    "Microsoft-Windows-PnpSysprep": dict.fromkeys(
        ("DoNotCleanUpNonPresentDevices", "PersistAllDeviceInstalls"), ("generalize",)
    ),
    "Microsoft-Windows-Setup": dict.fromkeys(
        (
            "Diagnostics/OptIn", "DynamicUpdate/Enable", "DynamicUpdate/WillShowUI",
            f"{_RUN}/Order", f"{_RUN}/Description", f"{_RUN}/Path",
            "DiskConfiguration/WillShowUI", f"{_DISK}/DiskID", f"{_DISK}/WillWipeDisk",
            f"{_NEW}/Order", f"{_NEW}/Type",
            f"{_NEW}/Size", f"{_NEW}/Extend",
            f"{_CHANGE}/Order", f"{_CHANGE}/PartitionID",
            f"{_CHANGE}/Format", f"{_CHANGE}/Label",
            f"{_CHANGE}/Letter", f"{_CHANGE}/Active",
            f"{_IMAGE}/InstallFrom/MetaData/Key", f"{_IMAGE}/InstallFrom/MetaData/Value",
            f"{_IMAGE}/InstallTo/DiskID", f"{_IMAGE}/InstallTo/PartitionID",
            f"{_IMAGE}/WillShowUI", "UserData/AcceptEula", "UserData/FullName", "UserData/Organization",
            "UserData/ProductKey/Key", "UserData/ProductKey/WillShowUI",
        ),
        _PE,
    ),
    "Microsoft-Windows-Shell-Setup": {
        "ComputerName": _SPECIALIZE,
        "TimeZone": ("specialize", "oobeSystem"),
        **dict.fromkeys(
            (
                "OOBE/HideEULAPage", "OOBE/HideLocalAccountScreen", "OOBE/HideOEMRegistrationScreen",
                "OOBE/HideOnlineAccountScreens", "OOBE/HideWirelessSetupInOOBE", "OOBE/ProtectYourPC",
                "UserAccounts/AdministratorPassword/Value", "UserAccounts/AdministratorPassword/PlainText",
                f"{_ACCOUNT}/Name", f"{_ACCOUNT}/DisplayName", f"{_ACCOUNT}/Group",
                f"{_ACCOUNT}/Password/Value", f"{_ACCOUNT}/Password/PlainText",
                f"{_LOGON}/Order", f"{_LOGON}/Description", f"{_LOGON}/CommandLine",
            ),
            _OOBE,
        ),
        **dict.fromkeys(
            (
                "AutoLogon/Enabled", "AutoLogon/LogonCount", "AutoLogon/Username",
                "AutoLogon/Password/Value", "AutoLogon/Password/PlainText",
            ),
            ("specialize", "auditSystem", "oobeSystem"),
        ),
    },
    "Microsoft-Windows-Deployment": dict.fromkeys(
        (f"{_RUN}/Order", f"{_RUN}/Description", f"{_RUN}/Path"), ("specialize", "auditUser")
    ),
    "Microsoft-Windows-SecureStartup-FilterDriver": {"PreventDeviceEncryption": ("specialize", "oobeSystem")},
    "Microsoft-Windows-ServerManager-SvrMgrNc": {"DoNotOpenServerManagerAtLogon": _SPECIALIZE},
}  # fmt: skip
"""Component -> setting by path -> passes it is valid in."""

LISTED = {
    "PathAndCredentials", "RunSynchronousCommand", "Disk", "CreatePartition", "ModifyPartition", "MetaData",
    "LocalAccount", "SynchronousCommand",
}  # fmt: skip
"""List items: each carries wcm:action="add"."""
CHOICES = {
    "Type": ("Primary", "EFI", "Extended", "Logical", "MSR"),
    "Format": ("NTFS", "FAT32"),
    "WillShowUI": ("Always", "OnError", "Never"),
    "ProtectYourPC": ("1", "2", "3"),
    **dict.fromkeys(
        (
            "AcceptEula", "Enable", "Enabled", "OptIn", "WillWipeDisk", "Extend", "Active", "PlainText",
            "HideEULAPage", "HideLocalAccountScreen", "HideOEMRegistrationScreen", "HideOnlineAccountScreens",
            "HideWirelessSetupInOOBE", "PreventDeviceEncryption", "DoNotOpenServerManagerAtLogon",
            "DoNotCleanUpNonPresentDevices", "PersistAllDeviceInstalls",
        ),
        ("true", "false"),
    ),
}  # fmt: skip
LIMITS = {
    "Path": LONGEST_PATH,
    "CommandLine": LONGEST_COMMAND,
    "ComputerName": LONGEST_NAME,
    "Description": 256,
}


def problems(content: bytes) -> list[str]:
    """What Setup would not take, in the order of the file; [] when there is nothing."""
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        return [f"not well-formed: {error}"]
    if root.tag != f"{{{NAMESPACE}}}unattend":
        return [f"root element {root.tag!r} (wanted unattend of {NAMESPACE})"]
    found: list[str] = []
    seen: set[str] = set()
    for settings in root:
        name = settings.get("pass", "")
        if _plain(settings) != "settings" or name not in PASSES:
            found.append(f"{_plain(settings)} pass={name!r}: unknown pass")
        elif name in seen:
            found.append(f"pass {name!r} is there twice")
        seen.add(name)
        for component in settings:
            found += _component(component, name)
    return found


def _component(node: ET.Element, name: str) -> list[str]:
    where = f"{name}/{node.get('name', '')}"
    known = SETTINGS.get(node.get("name", ""))
    if _plain(node) != "component" or known is None:
        return [f"{where}: unknown component"]
    wanted = {
        "processorArchitecture": "amd64", "publicKeyToken": PUBLIC_KEY_TOKEN, "language": "neutral",
        "versionScope": "nonSxS",
    }  # fmt: skip
    found = [
        f"{where}: {key} is {node.get(key)!r} (wanted {value!r})"
        for key, value in wanted.items()
        if node.get(key) != value
    ]
    return found + _settings(node, "", known, name, where) + _orders(node, where)


def _settings(node: ET.Element, path: str, known: Table, name: str, where: str) -> list[str]:
    found: list[str] = []
    for child in node:
        tag = _plain(child)
        at = f"{path}/{tag}".lstrip("/")
        if tag in LISTED and child.get(f"{{{ACTIONS}}}action") != "add":
            found.append(f"{where}: {at} has no wcm:action")
        if len(child):
            found += _settings(child, at, known, name, where)
        elif at not in known:
            below = any(one.startswith(f"{at}/") for one in known)
            found.append(f"{where}: {at} is {'empty' if below else 'not a setting of it'}")
        elif name not in known[at]:
            found.append(f"{where}: {at} is not valid in this pass (valid in {', '.join(known[at])})")
        else:
            found += _value(tag, child.text or "", f"{where}: {at}")
    return found


def _value(tag: str, text: str, where: str) -> list[str]:
    if tag in CHOICES and text not in CHOICES[tag]:
        return [f"{where} is {text!r} (wanted one of {', '.join(CHOICES[tag])})"]
    if len(text) > LIMITS.get(tag, len(text)):
        return [f"{where} has {len(text)} characters (at most {LIMITS[tag]})"]
    if not text.strip():
        return [f"{where} is empty"]
    return []


def _orders(node: ET.Element, where: str) -> list[str]:
    """The members of each list are numbered 1, 2, 3 ... where they have an Order."""
    found = []
    for parent in node.iter():
        orders = [one.findtext(f"{{{NAMESPACE}}}Order") for one in parent]
        given = [one for one in orders if one is not None]
        if given != [str(number) for number in range(1, len(given) + 1)]:
            found.append(f"{where}: {_plain(parent)} is numbered {', '.join(given)}")
    return found


def _plain(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]
