"""The command line as a whole: every noun, the global options, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer

from contextd import __version__
from contextd.cli import (
    audit,
    boundary,
    config,
    crawl,
    doctor,
    findings,
    init,
    package,
    people,
    receipts,
    search,
    snapshots,
    sources,
)
from contextd.cli.options import FORMATS, Globals, UsageProblem, asks_for_json, split_globals
from contextd.cli.output import Output, printable
from contextd.cli.session import Session
from contextd.model.errors import BundleInvalid, ContextdError, NotFound, Refused

NO, UNDECIDED, FAILURE, INTERRUPTED = 1, 2, 3, 130
_EXIT = {"no": NO, "undecided": UNDECIDED, "failure": FAILURE}

_GLOBALS = f"""
Global options, before or after the verb:

  --home DIR          the home (CONTEXTD_HOME, default ~/.contextd)

  --format FORMAT     {", ".join(FORMATS)} (tool: search and fetch only)

  --token-file FILE   who is asking (CONTEXTD_TOKEN_FILE, default the home's own principal)

  --timeout 30s       how long to wait for a home that another process holds

  -o, --output FILE   write the answer to a file, atomically

  --color auto|always|never   --no-pager   -q quiet   -v more   -vv with tracebacks

Exit codes: 0 done or yes, 1 the answer is no, 2 cannot be decided, 3 failure or wrong usage, 130 interrupted.
"""


def build_app() -> typer.Typer:
    """The application: daily verbs on their own, everything else below its noun; nouns answer to their other number too."""
    app = typer.Typer(
        name="contextd",
        help=f"The governed context plane for AI-assisted engineering.\n{_GLOBALS}",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in (init, crawl, search, boundary, doctor):
        module.register(app)
    nouns = {
        ("source", "sources"): sources.app,
        ("token", "tokens"): people.tokens,
        ("grant", "grants"): people.grants,
        ("boundary", "boundaries"): boundary.app,
        ("snapshot", "snapshots"): snapshots.app,
        ("findings", "finding"): findings.app,
        ("package", "packages"): package.app,
        ("receipt", "receipts"): receipts.app,
        ("audit", "audits"): audit.app,
        ("config", "configs"): config.app,
    }
    for (name, other), noun in nouns.items():
        app.add_typer(noun, name=name)
        app.add_typer(noun, name=other, hidden=True)

    def version(*, asked: bool) -> None:
        if asked:
            typer.echo(f"contextd {__version__}")
            raise typer.Exit

    @app.callback()
    def options(
        *, _version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=version)
    ) -> None:
        """What stands before a command."""

    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv`` without a value) and return its exit code; everything is printed."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options, rest = split_globals(words, os.environ)
    except UsageProblem as problem:
        options = Globals(Path(), format="json" if asks_for_json(words) else "text")
        _write(Output(options), options, "USAGE", str(problem), "contextd --help")
        return FAILURE
    session = Session(options, Output(options))
    try:
        ended = build_app()(args=rest, prog_name="contextd", standalone_mode=False, obj=session)
        if ended == INTERRUPTED:  # typer turns Ctrl-C into an exit code of its own
            return INTERRUPTED
        session.out.close()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost edge: every error becomes words and an exit code
        return _told(error, session)
    return session.exit_code


def _told(error: Exception, session: Session) -> int:
    """Say what went wrong, where an answer or an error belongs, and return the exit code."""
    out, options = session.out, session.options
    out.lines = []
    if options.debug:
        traceback.print_exc(file=sys.stderr)
    if isinstance(error, ContextdError):
        _tell(error, session)
        return _EXIT[error.outcome]
    if isinstance(error, BrokenPipeError):
        with suppress(OSError):  # nobody reads any more: what is left must not be tried again when the process ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    usage = getattr(error, "format_message", None)
    if usage is not None and type(error).__name__ == "NoArgsIsHelpError" and not out.json:
        sys.stderr.write(usage() + "\n")
    elif usage is not None:
        context = getattr(error, "ctx", None)
        _write(out, options, "USAGE", usage(), f"{context.command_path if context else 'contextd'} --help")
    elif type(error).__name__ == "Abort":
        return INTERRUPTED
    else:
        hint = "run it again with -vv and report what it prints"
        _write(out, options, "INTERNAL", f"contextd met an error of its own: {type(error).__name__}: {error}", hint)
    return FAILURE


def _tell(error: ContextdError, session: Session) -> None:
    from contextd.wire.json import error_json

    out = session.out
    if out.json:
        out.document("error", error_json(error))
        out.close()
        return
    if isinstance(error, Refused | NotFound) and "audit" in error.metadata:
        out.text([f"refused  {error.reason}  {printable(error.message)}"])
        if error.hint:
            out.text(f"  mend     {printable(error.hint)}")
        if error.metadata["audit"]:
            out.text(f"  audit    {error.metadata['audit']}")
        out.close()
        return
    problems = error.problems if isinstance(error, BundleInvalid) else [error.message]
    sys.stderr.writelines(f"{error.reason}  {printable(problem)}\n" for problem in problems)
    if error.hint:
        sys.stderr.write(f"  mend: {printable(error.hint)}\n")


def _write(out: Output, options: Globals, reason: str, message: str, hint: str) -> None:
    if options.format in {"json", "jsonl"}:
        out.document("error", {"reason": reason, "message": message, "hint": hint, "metadata": {}})
        out.close()
    else:
        shown = printable(message, "\n")
        sys.stderr.write(f"{reason}  {shown}\n  mend: {hint}\n")


def run() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    run()
