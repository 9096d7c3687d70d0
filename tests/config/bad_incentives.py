"""Changes to the shipped incentives of stocks that are refused, and what the sentence must say.

Name of the case → (what stands there, what it becomes, parts of the sentence).
"""

BAD_INCENTIVES = {
    "leverage under the owner's limits": (
        "largest_leverage_x = 5\n",
        'largest_leverage_x = "1.5"\n',
        ["initial_margin of", "within the owner's limits from 25000 to 500000, found 666667"],
    ),
    "a rebate beyond the owner's limits": (
        "maker_fee_ppm = -200",
        "maker_fee_ppm = -300",
        ["maker_fee of", "in weekend", "from -250 to 500, found -300"],
    ),
    "a rebate that no taker carries": (
        "taker_fee_ppm = 600",
        "taker_fee_ppm = 300",
        ["(300 ppm in", "must carry its largest rebate (-200 ppm in", "(-150 ppm)"],
    ),
    "a cap below the owner's limits": (
        "open_interest_cap_ppm = 400_000",
        "open_interest_cap_ppm = 10_000",
        ["open_interest_cap of", "in weekend", "owner's limits from 1000000000000"],
    ),
    "a looser weekend": (
        "largest_leverage_x = 10",
        "largest_leverage_x = 4",
        ["must not allow more leverage in `weekend` than in `overnight`"],
    ),
    "a larger cap at night": (
        "open_interest_cap_ppm = 700_000",
        "open_interest_cap_ppm = 950_000",
        ["must not have a larger cap in `overnight` than in `pre`"],
    ),
    "a leverage of nothing": (
        "largest_leverage_x = 10",
        "largest_leverage_x = 0",
        ["sessions.overnight.largest_leverage_x must be a leverage from 1 to 1000, found 0"],
    ),
    "a ramp that the steps cannot climb": (
        "after_reopen_minutes = 45",
        "after_reopen_minutes = 20",
        ["within a ramp of 20 minutes", "25000 every 300 s get there in 30 minutes"],
    ),
    "a ramp longer than a session": (
        "before_close_minutes = 60",
        "before_close_minutes = 180",
        ["ramps of 180 minutes must be shorter than every session", "(holiday) of 180 minutes"],
    ),
    "a ramp of no length": (
        "before_close_minutes = 60",
        "before_close_minutes = 0",
        ["ramps.before_close_minutes must be at least 1, found 0"],
    ),
    "a slope beyond the funding limits": (
        "skew_slope_ppb_per_hour = 150_000",
        "skew_slope_ppb_per_hour = 480_000",
        ["skew_slope of", "from 480000 to 530000"],
    ),
    "a controller that steps too far": (
        "largest_step_ppm = 25_000",
        "largest_step_ppm = 30_000",
        ["largest step of controller.initial_margin must be at most the owner's (25000)"],
    ),
    "a controller that never rests": (
        "cool_down_seconds = 900",
        "cool_down_seconds = 299",
        ["cool-down of controller.initial_margin must be at least the owner's (300 s)"],
    ),
    "a controller that may loosen below the maintenance margin": (
        "[controller.initial_margin]\nminimum_ppm = 0",
        "[controller.initial_margin]\nminimum_ppm = -30_000",
        ["at least the first tier's maintenance margin (25000 ppm), found 20000"],
    ),
    "a controller whose minimum is above nothing": (
        "[controller.initial_margin]\nminimum_ppm = 0",
        "[controller.initial_margin]\nminimum_ppm = 1",
        ["controller.initial_margin.minimum_ppm must be at most 0, found 1"],
    ),
    "a controller whose fees could sum to less than nothing": (
        "[controller.taker_fee]\nminimum_ppm = -100",
        "[controller.taker_fee]\nminimum_ppm = -300",
        ["(500 ppm in", "must carry its largest rebate (-200 ppm in", "(-350 ppm)"],
    ),
    "a multiplier that could turn": (
        "[controller.funding_multiplier]\nminimum_ppm = -200_000",
        "[controller.funding_multiplier]\nminimum_ppm = -600_000",
        ["funding_multiplier of", "must not fall below 0"],
    ),
    "a hysteresis that swallows every step": (
        "hysteresis_ppm = 25_000",
        "hysteresis_ppm = 100_001",
        ["[controller.funding_multiplier] `hysteresis_ppm` (100001) must be at most"],
    ),
    "a misspelt session": (
        "[sessions.weekend]",
        "[sessions.weekned]",
        ["sessions.weekned is no key", "did you mean `weekend`?"],
    ),
    "a weekday that is no longer the market's own": (
        "[sessions.regular]\n",
        "[sessions.regular]\nmaker_fee_ppm = -50\n",
        ["sessions.regular.maker_fee_ppm is no key"],
    ),
    "more for one market than for all": (
        "weekly_budget_usd = 25_000",
        "weekly_budget_usd = 200_000",
        ["weekly_budget_usd of one market must be at most that of all markets"],
    ),
}
