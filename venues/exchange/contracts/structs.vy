# pragma version 0.4.3
"""
@title Shapes that cross the boundary of the exchange
@notice The structs of the external interface, in the order that decoders rely on.
        Units: price 1e-8 USD, size 1e-8 share, money 1e-6 USD, rates in parts per million.
        Holds no state and no code.
"""

struct Tier:
    lower_bound: uint256
    rate: uint256
    deduction: uint256

struct MarketConfig:
    symbol: String[16]
    initial_margin: uint256
    tier_bounds: DynArray[uint256, 4]
    tier_rates: DynArray[uint256, 4]
    clamp: uint256
    min_interval: uint256
    expiry: uint256
    taker_fee: int256
    maker_fee: int256
    open_interest_cap: uint256
    min_position_notional: uint256
    slice_threshold: uint256
    penalty: uint256
    spread_max: uint256
    backstop_cap: uint256

struct Limits:
    minimum: int256
    maximum: int256
    largest_step: int256
    cool_down: uint256

struct Price:
    market: uint256
    mark: uint256
    index: uint256
    timestamp: uint256

struct Trade:
    taker: uint256
    maker: uint256
    market: uint256
    size: int256
    price: uint256

struct LiquidationItem:
    account: uint256
    market: uint256
    max_size: uint256

struct DeleverageItem:
    account: uint256
    market: uint256
    counterparty: uint256
    size: uint256

struct LiquidationRules:
    slice: uint256
    cool_down: uint256
    slice_memory: uint256
    critical_margin: uint256
    buffer: uint256
    reward: uint256
    reward_cap: uint256
    gas_per_item: uint256
    gas_margin: uint256
    native_price: uint256

struct AccountState:
    equity: int256
    maintenance_margin: uint256
    initial_margin: uint256
    notional: uint256
    is_priced: bool

struct AccountRow:
    account: uint256
    collateral: int256
    position_count: uint256

struct PositionRow:
    market: uint256
    size: int256
    quote: int256
    funding: int256
    slice_time: uint256

struct Page:
    block_number: uint256
    timestamp: uint256
    next: uint256
    accounts: DynArray[AccountRow, 512]
    positions: DynArray[PositionRow, 2048]

struct MarketView:
    symbol: bytes32
    status: uint256
    is_splitting: bool
    mark: uint256
    index: uint256
    price_timestamp: uint256
    updated_at: uint256
    funding_rate: int256
    funding_numerator: int256
    funding_time: uint256
    band_low: uint256
    band_high: uint256
    open_interest: uint256
    initial_margin: uint256
    taker_fee: int256
    maker_fee: int256
    open_interest_cap: uint256
    clamp: uint256
    min_interval: uint256
    expiry: uint256
    min_position_notional: uint256
    slice_threshold: uint256
    penalty: uint256
    spread_max: uint256
    backstop_cap: uint256
    tier_count: uint256
    tiers: Tier[4]

struct Funds:
    insurance_fund: int256
    fee_pool: int256
    funding_pool: int256
    rewards_owed: int256
    vault_balance: uint256
    withdrawals_open: bool
