"""Configurations that are wrong in one way each, and what the sentence about it must say.

Name of the case → (file, secret that the sentence must not repeat, parts of the sentence).
"""

NETWORK = """
[network]
name = "test"
chain_id = 31337
endpoints = [{ name = "node", http_url = "http://127.0.0.1:8545", ws_url = "ws://127.0.0.1:8545" }]
"""
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
LOWER = CHECKSUMMED.lower()

BAD_INPUT = {
    "not TOML": ("this is no toml", "", ["must be TOML", "line 1"]),
    "a misspelt key": (
        NETWORK + "[sender]\nmax_in_fligth = 3",
        "",
        ["sender.max_in_fligth is no key", "did you mean `max_in_flight`?"],
    ),
    "a key like no other": (
        NETWORK + "[sender]\nzebra = 3",
        "",
        ["sender.zebra is no key", "remove it", "docs/configuration.md"],
    ),
    "a misspelt section": (NETWORK + "[sendr]\nmax_in_flight = 3", "", ["did you mean `sender`?"]),
    "an unknown lane": (
        NETWORK + '[keys.urgnet]\nkeystore = "k"',
        "",
        ["keys.urgnet is no key", "`urgent`"],
    ),
    "a misspelt key that leaves a required one missing": (
        '[network]\nname = "test"\nchian_id = 1\nendpoints = []',
        "",
        ["network.chian_id is no key", "did you mean `chain_id`?"],
    ),
    "no network": ("[sender]\nmax_in_flight = 3", "", ["network is missing"]),
    "a section that is a number": ("network = 3", "", ["network must be a table", "found 3"]),
    "text where a number is due": (
        NETWORK + '[sender]\nmax_in_flight = "8"',
        "",
        ["sender.max_in_flight must be an integer", 'found "8"'],
    ),
    "true where a number is due": (
        NETWORK + "[sender]\nmax_in_flight = true",
        "",
        ["sender.max_in_flight must be an integer", "found true"],
    ),
    "false where a number is due": (
        NETWORK + "[sender]\nreplace_seconds = false",
        "",
        ["sender.replace_seconds must be a number", "found false"],
    ),
    "a float where an integer is due": (
        NETWORK + "[sender]\nmax_in_flight = 1.5",
        "",
        ["sender.max_in_flight must be an integer", "found 1.5"],
    ),
    "a number where true or false is due": (
        NETWORK.replace('name = "test"', 'name = "test"\nrequire_websocket = 0'),
        "",
        ["network.require_websocket must be true or false", "found 0"],
    ),
    "a negative count": (
        NETWORK + "[sender]\nmax_in_flight = -1",
        "",
        ["sender.max_in_flight must be greater than 0", "found -1"],
    ),
    "a zero count": (
        NETWORK + "[sender]\nmax_in_flight = 0",
        "",
        ["sender.max_in_flight must be greater than 0", "found 0"],
    ),
    "a zero time": (
        NETWORK + "[sender]\nexpiry_seconds = 0",
        "",
        ["sender.expiry_seconds must be greater than 0", "found 0"],
    ),
    "an endless time": (
        NETWORK + "[sender]\nexpiry_seconds = inf",
        "",
        ["sender.expiry_seconds must be a finite number", "found inf"],
    ),
    "a zero fee cap": (
        NETWORK + "[sender]\nmax_fee_per_gas_wei = 0",
        "",
        ["sender.max_fee_per_gas_wei must be greater than 0"],
    ),
    "a negative amount": (
        NETWORK + "[liquidation]\nmin_notional_usd = -1",
        "",
        ["liquidation.min_notional_usd must be an amount that is not negative", "found -1"],
    ),
    "an amount as a float": (
        NETWORK + "[liquidation]\nmin_notional_usd = 0.5",
        "",
        ['must be an integer or a string of decimals like "0.25"', "found 0.5"],
    ),
    "an amount with too many decimals": (
        NETWORK + '[liquidation]\nmin_notional_usd = "0.0000001"',
        "",
        ["must be an amount with at most 6 decimals"],
    ),
    "an amount that is no number": (
        NETWORK + '[liquidation]\nmin_notional_usd = "lots"',
        "",
        ["must be an integer or a string of decimals", 'found "lots"'],
    ),
    "a tip above the cap": (
        NETWORK + "[sender]\nmax_fee_per_gas_wei = 5\npriority_fee_per_gas_wei = 6",
        "",
        ["[sender] `max_fee_per_gas_wei` (5) must be at least `priority_fee_per_gas_wei` (6)"],
    ),
    "replacing before sending again": (
        NETWORK + "[sender]\nrebroadcast_seconds = 9\nreplace_seconds = 3",
        "",
        ["[sender] `replace_seconds` (3.0) must be at least `rebroadcast_seconds` (9.0)"],
    ),
    "expiring before replacing": (
        NETWORK + "[sender]\nexpiry_seconds = 6",
        "",
        ["[sender] `expiry_seconds` (6.0) must exceed `replace_seconds` (6.0)"],
    ),
    "a bump that nodes refuse": (
        NETWORK + "[sender]\nfee_bump_ppm = 99_999",
        "",
        ["sender.fee_bump_ppm must be at least 100000", "found 99999"],
    ),
    "more batches than the sender carries": (
        NETWORK + "[sender]\nmax_in_flight = 2\n[liquidation]\nmax_batches_in_flight = 3",
        "",
        ["`liquidation.max_batches_in_flight` (3) must be at most `sender.max_in_flight` (2)"],
    ),
    "more items than the contract takes": (
        NETWORK + "[liquidation]\nmax_items_per_transaction = 129",
        "",
        ["liquidation.max_items_per_transaction must be at most 128", "found 129"],
    ),
    "two signers in one lane": (
        NETWORK + '[keys.urgent]\nkeystore = "k"\npassword_file = "p"\n'
        f'remote_signer_url = "http://signer"\naddress = "{LOWER}"',
        "",
        ["[keys.urgent] must have one signer", "both `keystore` and `remote_signer_url`"],
    ),
    "no signer in a lane": (
        NETWORK + f'[keys.urgent]\naddress = "{LOWER}"',
        "",
        ["[keys.urgent] must have a signer, but has none"],
    ),
    "a keystore without a password": (
        NETWORK + '[keys.urgent]\nkeystore = "k"',
        "",
        ["[keys.urgent] must say where the password of `keystore` is"],
    ),
    "a remote signer without an address": (
        NETWORK + '[keys.urgent]\nremote_signer_url = "http://signer"',
        "",
        ["[keys.urgent] must name the key's `address`"],
    ),
    "one key for two lanes": (
        NETWORK + '[keys.urgent]\nkeystore = "k"\npassword_file = "p"\n'
        '[keys.housekeeping]\nkeystore = "k"\npassword_file = "p"',
        "",
        ["`keys.urgent.keystore` and `keys.housekeeping.keystore` must differ"],
    ),
    "a password in the file": (
        NETWORK + '[keys.urgent]\nkeystore = "k"\npassword = "hunter2"',
        "hunter2",
        ["keys.urgent.password is no key", "did you mean `password_file`?"],
    ),
    "an address that is too short": (
        NETWORK + '[exchange]\naddress = "0x1234"',
        "",
        ["exchange.address must be an address of 0x and 40 hexadecimal digits", 'found "0x1234"'],
    ),
    "an address with a wrong checksum": (
        NETWORK + f'[exchange]\naddress = "{CHECKSUMMED.replace("aA", "Aa")}"',
        "",
        ["exchange.address must be an address whose capitals match its checksum"],
    ),
    "the zero address": (
        NETWORK + f'[exchange]\naddress = "0x{"0" * 40}"',
        "",
        ["exchange.address must be an address other than zero"],
    ),
    "one address in two roles": (
        NETWORK + f'[roles]\npricer = "{LOWER}"\nbreaker = "{CHECKSUMMED}"',
        "",
        ["[roles] `pricer` and `breaker` must be different addresses", CHECKSUMMED],
    ),
    "a URL of another kind": (
        NETWORK.replace("http://127.0.0.1:8545", "ftp://host"),
        "",
        ["network.endpoints[0].http_url must be a URL like http://", 'found "ftp://host"'],
    ),
    "a URL without a host": (
        NETWORK.replace("http://127.0.0.1:8545", "http://"),
        "",
        ["network.endpoints[0].http_url must be a URL"],
    ),
    "a URL with a port out of range": (
        NETWORK.replace("http://127.0.0.1:8545", "http://host:70000"),
        "",
        ["network.endpoints[0].http_url must be a URL", "with a port from 1 to 65535"],
    ),
    "a bad URL that holds a key": (
        NETWORK.replace("http://127.0.0.1:8545", "htp://host/v2/AbCdEf0123456789secret"),
        "AbCdEf0123456789secret",
        ['found "htp://host/v2/***"'],
    ),
    "HTTP where WebSocket is due": (
        NETWORK.replace("ws://127.0.0.1:8545", "http://127.0.0.1:8545"),
        "",
        ["network.endpoints[0].ws_url must be a URL like ws://"],
    ),
    "no server": (
        '[network]\nname = "test"\nchain_id = 1\nendpoints = []',
        "",
        ["network.endpoints must be a list of at least 1", "found a list of 0"],
    ),
    "no server with WebSocket": (
        NETWORK.replace(', ws_url = "ws://127.0.0.1:8545"', ""),
        "",
        ["[network] one of `endpoints` must have a `ws_url`"],
    ),
    "two servers of one name": (
        NETWORK.replace("}]", '}, { name = "node", http_url = "http://b" }]'),
        "",
        ["[network] `endpoints` must have different names"],
    ),
    "keep-alive slower than the watchdog": (
        NETWORK + "keep_alive_seconds = 30",
        "",
        ["[network] `read_idle_seconds` (15.0) must exceed `keep_alive_seconds` (30.0)"],
    ),
    "a zero chain id": (
        NETWORK.replace("31337", "0"),
        "",
        ["network.chain_id must be greater than 0", "found 0"],
    ),
    "an empty name": (
        NETWORK.replace('name = "test"', 'name = ""'),
        "",
        ["network.name must be lower-case letters, digits and dashes", 'found ""'],
    ),
    "a port out of range": (
        NETWORK + '[http]\nlisten = "127.0.0.1:65536"',
        "",
        ["http.listen must be host:port with a port from 0 (any free one) to 65535"],
    ),
    "no port": (NETWORK + '[http]\nlisten = "localhost"', "", ["http.listen must be host:port"]),
    "an empty listen": (NETWORK + '[http]\nlisten = ""', "", ["http.listen must be host:port"]),
    "an empty path": (NETWORK + '[journal]\npath = ""', "", ["journal.path must be the path"]),
    "a path that is a number": (
        NETWORK + "[journal]\npath = 0",
        "",
        ["journal.path must be the path of a file", "found 0"],
    ),
    "an unknown log level": (
        NETWORK + '[log]\nlevel = "loud"',
        "",
        ["log.level must be one of 'debug', 'info', 'warning' or 'error'", 'found "loud"'],
    ),
    "extending nothing": (
        'extends = ""\n' + NETWORK,
        "",
        ["extends must be the name of a profile or of a file"],
    ),
    "extending an unknown profile": (
        'extends = "moon"\n' + NETWORK,
        "",
        ["extends names no file", "devnet, mainnet, testnet", "'moon'"],
    ),
    "extending itself": (
        'extends = "keeper.toml"\n' + NETWORK,
        "",
        ["extends must not lead back"],
    ),
}
