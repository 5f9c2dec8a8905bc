"""``contextd token`` and ``contextd grant``: who may ask, and for what."""

from __future__ import annotations

from typing import Annotated

import typer

from contextd.cli.output import printable, table
from contextd.cli.session import session_of, time_option, utc_now
from contextd.cli.times import relative
from contextd.model.access import Role

tokens = typer.Typer(help="Tokens: how a principal proves who they are.", no_args_is_help=True)
grants = typer.Typer(help="Grants: roles of principals, within a scope, until a review.", no_args_is_help=True)

Principal = Annotated[str, typer.Argument(metavar="PRINCIPAL", help="dev@example.org, team-payments")]
RoleName = Annotated[Role, typer.Argument(metavar="ROLE", help=", ".join(role.value for role in Role))]
Scope = Annotated[str, typer.Option(help="all, tier:N, source:NAME or component:NAME/PART")]


@tokens.command("create")
def token_create(context: typer.Context, principal: Principal) -> None:
    """Make a token for a principal. Prints the path of the file that holds it, never the token."""
    from contextd.home import Home
    from contextd.operations.people import create_token

    session = session_of(context)
    with Home(session.options.home, session.world(), session.options.timeout) as home:
        caller = home.caller(session.options.token_file)
        path = create_token(home.plane, caller, principal, home.token_folder)
    session.out.text(str(path))
    session.out.document("token", {"principal": principal, "path": str(path)})
    session.out.note(f"next: contextd grant approve {principal} reader --scope all --rationale TEXT")


@grants.command("approve")
def grant_approve(
    context: typer.Context,
    principal: Principal,
    role: RoleName,
    rationale: Annotated[str, typer.Option(help="Why; it is logged")],
    scope: Scope = "all",
    review_by: Annotated[str | None, typer.Option(help="Until when: a date or 90d; default 180d")] = None,
) -> None:
    """Give a role to somebody else, within a scope, until its review."""
    from contextd.operations.people import give_role
    from contextd.wire.json import grant_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        grant = give_role(plane, caller, principal, role, scope, rationale, time_option(review_by, "--review-by"))
    until = relative(grant.review_by, utc_now())
    session.out.text(f"{principal}  {role.value} on {grant.scope}  approved by {grant.approver}  review {until}")
    session.out.document("grant", grant_json(grant))


@grants.command("revoke")
def grant_revoke(
    context: typer.Context,
    principal: Principal,
    role: RoleName,
    reason: Annotated[str, typer.Option(help="Why; it is logged")],
    scope: Scope = "all",
) -> None:
    """End a role within a scope, at once."""
    from contextd.operations.people import take_role

    session = session_of(context)
    with session.plane() as (plane, caller):
        ended = take_role(plane, caller, principal, role, scope, reason)
    session.out.text(f"{principal}  {role.value} on {scope} ended")
    session.out.document("grant-revoked", {"principal": principal, "role": role.value, "scope": scope, "ended_count": ended})


@grants.command("list")
def grant_list(
    context: typer.Context,
    principal: Annotated[str, typer.Argument(metavar="[PRINCIPAL]", help="Only theirs")] = "",
) -> None:
    """Grants, ended ones included."""
    from contextd.operations.people import grants as all_grants
    from contextd.wire.json import grant_json

    session = session_of(context)
    with session.plane() as (plane, caller):
        found = all_grants(plane, caller, principal)
    now = utc_now()
    rows = [
        [
            grant.principal,
            grant.role.value,
            grant.scope,
            grant.approver,
            "revoked" if grant.revoked_at else "over" if grant.review_by <= now else relative(grant.review_by, now),
            printable(grant.rationale),
        ]
        for grant in found
    ]
    lines = table(rows, ["PRINCIPAL", "ROLE", "SCOPE", "APPROVER", "REVIEW", "RATIONALE"])
    session.out.listing("grant", [grant_json(grant) for grant in found], lines)
