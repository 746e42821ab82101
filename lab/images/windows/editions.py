"""Editions as users name them, as media name them (EDITIONID), and the keys that choose one in Setup.

The keys are Microsoft's published KMS client set-up keys (`KEYS_SOURCE`): they choose an edition and activate
nothing without the user's own KMS host. Evaluation media take none. Licensing is the user's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.images.windows.releases import Product, Release

KEYS_SOURCE = "learn.microsoft.com/windows-server/get-started/kms-client-activation-keys (2025-06-25)"
CORE = "Server Core"
"""INSTALLATIONTYPE of images without a desktop; `Server` and `Client` are the others."""
EVALUATION_DAYS = {Product.CLIENT: 90, Product.SERVER: 180}
"""From installation; after it a client shuts down every hour (Microsoft Evaluation Center)."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition."""

    name: str
    """As the user writes it: `Enterprise`, `Standard Core`."""
    edition_id: str
    """EDITIONID in the WIM; evaluation images add `Eval`."""
    core: bool = False

    @property
    def ids(self) -> tuple[str, str]:
        """EDITIONID of the full and of the evaluation image."""
        return self.edition_id, f"{self.edition_id}Eval"


CLIENT = (
    Edition("Home", "Core"),
    Edition("Pro", "Professional"),
    Edition("Pro for Workstations", "ProfessionalWorkstation"),
    Edition("Pro Education", "ProfessionalEducation"),
    Edition("Education", "Education"),
    Edition("Enterprise", "Enterprise"),
    Edition("Enterprise LTSC", "EnterpriseS"),
    Edition("IoT Enterprise LTSC", "IoTEnterpriseS"),
)
SERVER = (
    Edition("Standard", "ServerStandard"),
    Edition("Standard Core", "ServerStandard", core=True),
    Edition("Datacenter", "ServerDatacenter"),
    Edition("Datacenter Core", "ServerDatacenter", core=True),
)
CLIENT_KEYS = {
    "Professional": "W269N-WFGWX-YVC9B-4J6C9-T83GX",
    "ProfessionalWorkstation": "NRG8B-VKK3Q-CXVCJ-9G2XF-6Q84J",
    "ProfessionalEducation": "6TP4R-GNPTD-KYYHQ-7B7DP-J447Y",
    "Education": "NW6C2-QMPVW-D7KKK-3GKT6-VCFB2",
    "Enterprise": "NPPR9-FWDCX-D2C8J-H872K-2YT43",
    "EnterpriseS": "M7XTQ-FN8P6-TTKYV-9D4CC-J462D",
    "IoTEnterpriseS": "KBN8V-HFGQ4-MGXVD-347P6-PDQGT",
}
"""By EDITIONID, Windows 10 and 11 alike. LTSC: 2019, 2021 and 2024; IoT: 2021 and 2024. Home has none."""
SERVER_KEYS = {
    ("win2016", "ServerStandard"): "WC2BQ-8NRM3-FDDYY-2BFGV-KHKQY",
    ("win2016", "ServerDatacenter"): "CB7KF-BWN84-R7R2Y-793K2-8XDDG",
    ("win2019", "ServerStandard"): "N69G4-B89J2-4G8F4-WWYCC-J464C",
    ("win2019", "ServerDatacenter"): "WMDGN-G9PQG-XVVXX-R3X43-63DFG",
    ("win2022", "ServerStandard"): "VDYBN-27WPP-V4HQT-9VMD4-VMK7H",
    ("win2022", "ServerDatacenter"): "WX4NM-KYWYW-QJJR4-XV3QB-6VM33",
    ("win2025", "ServerStandard"): "TVRH6-WHNXV-R9WG3-9XRFY-MY832",
    ("win2025", "ServerDatacenter"): "D764K-2NDRG-47T6Q-P8T8W-YP6DF",
}
NO_KMS_KEY = ("win10-ltsc-2019:IoTEnterpriseS",)
"""Pairs for which no key is published though the edition has one for other releases."""


def editions(product: Product) -> tuple[Edition, ...]:
    """What there is for clients or servers."""
    return CLIENT if product is Product.CLIENT else SERVER


def named(release: Release, name: str) -> Edition | None:
    """The edition a user means by `name` (its name or its EDITIONID, in any case)."""
    wanted = name.casefold()
    found = [one for one in editions(release.product) if one.name.casefold() == wanted]
    found += [
        one for one in editions(release.product) if one.edition_id.casefold() == wanted and not one.core
    ]
    return found[0] if found else None


def product_key(release: Release, edition_id: str) -> str:
    """The key that makes Setup install this edition without asking, or "" (evaluation, Home, others)."""
    if release.product is Product.SERVER:
        return SERVER_KEYS.get((release.key, edition_id), "")
    if f"{release.key}:{edition_id}" in NO_KMS_KEY:
        return ""
    return CLIENT_KEYS.get(edition_id, "")


def is_evaluation(edition_id: str) -> bool:
    """Whether media of this EDITIONID end some time after their installation."""
    return edition_id.endswith("Eval")
