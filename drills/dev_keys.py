"""Who is who on the drill's chain: anvil's own well-known development accounts.

Their keys are printed in every tutorial and worth nothing. Matcher and traders' bank send through
the node, which holds these keys; owner, pricer, breaker, guardian, tuner and keeper sign for themselves,
with encrypted keystores that are written into the drill's folder, as in production. No key library is needed here:
a keystore is text.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.settings import LaneKey, Roles

OWNER: Final = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PRICER: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MATCHER: Final = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"
KEEPER: Final = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"
HOUSEKEEPER: Final = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"
BANK: Final = "0xBcd4042DE499D14e55001CcbB24a551F3b954096"
"""Pays the deposits of all traders, of the backstop and of the insurance fund."""

BREAKER: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
GUARDIAN: Final = "0x976EA74026E726554dB657fA54763abd0C3a0aa9"
TUNER: Final = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
CORPORATE: Final = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
DELEVERAGER: Final = "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"

ROLES: Final = Roles(
    pricer=PRICER,
    breaker=BREAKER,
    tuner=TUNER,
    corporate=CORPORATE,
    matcher=MATCHER,
    guardian=GUARDIAN,
    deleverager=DELEVERAGER,
)

_PASSWORD: Final = "worthless"  # noqa: S105 - of keys that everybody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """The parts of a version 3 keystore that differ from key to key."""

    ciphertext: str
    iv: str
    salt: str
    mac: str


_KEYSTORES: Final = {
    OWNER: _Sealed(
        ciphertext="a75a6ce53a171f53ccf2b99af7ec9df8165912d4ab958cad4a23fe327436db18",
        iv="905241e4d7cd5d9ffaf686ae81b2a9be",
        salt="f851e128a4cded5ee2b1dd95255b15ae",
        mac="8760c643e14789cece8461adbacac9f18830cc2033bb68fa149a5f5525bbb8e5",
    ),
    KEEPER: _Sealed(
        ciphertext="471668527f19cc4121b11a24bfe83c2ae9de14ce4ab1302f6498347e9176e65c",
        iv="2157391cc7b7ff2e5328229dbaa7bd4f",
        salt="1dfa33311220aac9558198710109b9dc",
        mac="ca90c384ae8cfd37a1d1fde225d546096ccfd0dae0e8418cffff628f3bc53f97",
    ),
    PRICER: _Sealed(
        ciphertext="162a14ce87ff1a963509f4f7d4ef9a8b4948be551f06ec884621c4361742cdd4",
        iv="ac7e6acd62db1bbd3090abfd95ca8245",
        salt="fbf2ffa621398376add23d51c780fb9a",
        mac="d963792e3cee4a48776e789c39d13c93273d0d5718bf458b3482c62d793d1288",
    ),
    BREAKER: _Sealed(
        ciphertext="faef5ce20048a0675f777a11e77f2c48320bc9f71d30b2764ec50000a6f0b9f5",
        iv="8e006f78f6b14baeb1161be7f16b9036",
        salt="9a84d101cc46ee4323ce4b4eded5a660",
        mac="965d0817b2ca07dc617affdcabe3db726173256553d187ff5f85e21b43c40fd7",
    ),
    GUARDIAN: _Sealed(
        ciphertext="39b93f4c8f739263c758bfa1946bb3f77c76abd7ac11fe968d78406c31384bb0",
        iv="e2f83332f14427c62565d3ac55e01d13",
        salt="827677ab699bd60bef6eab01f23a6e65",
        mac="a9f91cdd846f4cff3a5334c26ae5d1ffc9387666992db8276636de378013c07e",
    ),
    DELEVERAGER: _Sealed(
        ciphertext="899d49f31284d156e6bc3b42e8d33da89b4c24a87a34e1e98cea196517ec998c",
        iv="219f087c312c89fc4bfa9dcf95d61c7c",
        salt="7cea9d921a610bf2745a445ec40d61bf",
        mac="1b0bed6a67f177027836f6a887a5ff65400b91db48dbdd08d68553e3a7f2052f",
    ),
    TUNER: _Sealed(
        ciphertext="0920be2dc5f894ca31486afafaf01a158f53f0cd83cd93c6f89e93951076f2fe",
        iv="693380a7d64d4ff23e99d8d186208314",
        salt="a20772ff8440e14fae85cae29e4aa05c",
        mac="f8c92bcba53c5777872a4189749d1c444fceb8e2892b1e97cdeb53c6b2406972",
    ),
    CORPORATE: _Sealed(
        ciphertext="9a518ab0806953647a1824a511d74b5cda525bf19ac23af22a42f364388e64e2",
        iv="8e58e56b8abde59388f32bac50ebaa37",
        salt="c835ced58202badd4164834a05fdd684",
        mac="8bd642c04da1363ca88079a6d2e9a6f7ab9c08207476a5476b6fa3152d922160",
    ),
    HOUSEKEEPER: _Sealed(
        ciphertext="21c878e11c37de92fb5d7bd9fb838cfc463f747d40c0a89037dde95506cc2b91",
        iv="2b090169ae2b8dd7c6d4f1cf95171fef",
        salt="313c9b0eb1b82c9a73b4cd775d12392c",
        mac="b4f0a2b2e2d4bfcaca9d40daeb45e3fff4097203d93a051b1ff326ccb8cc0060",
    ),
}


def write_keystore(folder: Path, name: str, address: str) -> LaneKey:
    """Write the keystore of one of the accounts above and its password; owner-only files."""
    sealed = _KEYSTORES[address]
    keystore = {
        "address": address.removeprefix("0x").lower(),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": sealed.iv},
            "ciphertext": sealed.ciphertext,
            "kdf": "pbkdf2",
            "kdfparams": {"c": 1, "dklen": 32, "prf": "hmac-sha256", "salt": sealed.salt},
            "mac": sealed.mac,
        },
        "id": f"00000000-0000-4000-8000-{address[2:14].lower()}",
        "version": 3,
    }
    files = {
        folder / f"{name}.keystore.json": json.dumps(keystore),
        folder / f"{name}.password": _PASSWORD,
    }
    for path, text in files.items():
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
    paths = list(files)
    return LaneKey(keystore=paths[0].resolve(), password_file=paths[1].resolve(), address=address)
