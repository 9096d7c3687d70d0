# pragma version 0.4.3
"""
@title Who may do what
@notice One address holds one role at most and the owner holds none, so that a stolen key can
        do one duty only. Ownership moves in two steps. The owner sets roles; nobody else can.
"""

event RoleChanged:
    who: indexed(address)
    role: uint256

event OwnerProposed:
    who: indexed(address)

event OwnerChanged:
    who: indexed(address)

NO_ROLE: constant(uint256) = 0
PRICER: constant(uint256) = 1
BREAKER: constant(uint256) = 2
TUNER: constant(uint256) = 3
CORPORATE: constant(uint256) = 4
MATCHER: constant(uint256) = 5
GUARDIAN: constant(uint256) = 6
DELEVERAGER: constant(uint256) = 7

owner: public(address)
proposed_owner: public(address)
role_of: public(HashMap[address, uint256])


@deploy
def __init__(owner: address):
    assert owner != empty(address), "no owner"
    self.owner = owner
    log OwnerChanged(who=owner)


@internal
@view
def require_owner():
    assert msg.sender == self.owner, "wrong role"


@internal
@view
def require_role(role: uint256):
    assert self.role_of[msg.sender] == role, "wrong role"


@external
def grant(who: address, role: uint256):
    self.require_owner()
    assert role > NO_ROLE and role <= DELEVERAGER, "unknown role"
    assert who != empty(address) and who != self.owner, "bad address"
    assert who != self.proposed_owner, "bad address"
    assert self.role_of[who] == NO_ROLE, "has a role"
    self.role_of[who] = role
    log RoleChanged(who=who, role=role)


@external
def revoke(who: address):
    self.require_owner()
    self.role_of[who] = NO_ROLE
    log RoleChanged(who=who, role=NO_ROLE)


@external
def propose_owner(who: address):
    self.require_owner()
    assert self.role_of[who] == NO_ROLE, "has a role"
    self.proposed_owner = who
    log OwnerProposed(who=who)


@external
def accept_owner():
    assert msg.sender == self.proposed_owner, "wrong role"
    self.owner = msg.sender
    self.proposed_owner = empty(address)
    log OwnerChanged(who=msg.sender)
