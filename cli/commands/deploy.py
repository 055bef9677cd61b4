"""`llm-usage deploy`: everything that a Prefect server needs to know, in one command that can be repeated.

The work pool, the deployments of `prefect.yaml`, the limits that workers share, and what the server watches by
`automations.yaml`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel

from cli.deployment_files import AUTOMATIONS, DEPLOYMENTS, find, write_here
from cli.display import out
from cli.prefect_server.forms import tell_deployments, told_in_the_readers_language
from cli.prefect_server.server import PrefectServer
from cli.prefect_server.settings import import_prefect, is_configured, prefect_home, prefect_settings
from tasks.prefect.limits import all_limits
from usage.errors import LlmUsageError, SettingsError
from usage.language.reader import phrase
from usage.language.saying import say
from usage.machine.network import check_certificates
from usage.settings import load_settings

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.events import AutomationCore

POOL: Final = "llm-usage"
ALERTS: Final = "llm-usage-alerts"
"""Name of the notification block that alerts go to, of whatever type a person has chosen."""
_PREFIX: Final = "llm-usage: "
"""How the names of all automations of that file begin, and of no others."""
_WORKER: Final = f"prefect worker start --pool {POOL}"
_SLACK: Final = "hooks.slack.com"


class DeployError(LlmUsageError):
    """Prefect refused the deployments."""


class Upkeep(BaseModel):
    """What the server does when something happens, or stays away. `trigger` and `action` are Prefect's own."""

    name: str
    description: str
    trigger: dict[str, Any]
    action: dict[str, Any]

    def automation(self) -> AutomationCore:
        """As Prefect takes it."""
        from prefect.events import AutomationCore  # noqa: PLC0415

        return AutomationCore.model_validate(self.model_dump(exclude={"action"}) | {"actions": [self.action]})


class Alert(BaseModel):
    """What people are told when something happens, or stays away. `trigger` is Prefect's own."""

    name: str
    description: str
    trigger: dict[str, Any]
    subject: str
    body: str

    def automation(self, block: UUID) -> AutomationCore:
        """As Prefect takes it, told through a notification block."""
        action = {
            "type": "send-notification",
            "block_document_id": block,
            "subject": self.subject,
            "body": self.body,
        }
        return Upkeep(name=self.name, description=self.description, trigger=self.trigger, action=action).automation()


class Automations(BaseModel):
    """All of `automations.yaml`."""

    upkeep: list[Upkeep]
    alerts: list[Alert]

    @property
    def names(self) -> set[str]:
        """Of all that the file declares."""
        return {one.name for one in self.upkeep} | {one.name for one in self.alerts}


class Deployed(BaseModel):
    """What was installed, or written: the object that `--json` prints."""

    done: tuple[str, ...]
    next: str
    """What to type now."""


def run(arguments: argparse.Namespace) -> int:
    """Install everything; 0, or 1 when the server can't be reached or refuses."""
    if arguments.write_files:
        return _tell(write_here(), "llm-usage deploy", as_json=arguments.json)
    settings = prefect_settings()
    check_certificates(settings)
    if not is_configured(settings, prefect_home(settings)):
        raise SettingsError(
            say(
                "PREFECT_API_URL is not set: deployments need a Prefect server that stays; name it, like "
                "http://127.0.0.1:4200/api, or your workspace of Prefect Cloud"
            )
        )
    limits = all_limits(load_settings().notion.requests_per_minute)
    address = _read(arguments.alert_url_file) if arguments.alert_url_file else None
    import_prefect()
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    PrefectServer().wait()
    with get_client(sync_client=True) as client:
        return _tell(_install_all(client, limits, address), _WORKER, as_json=arguments.json)


def _install_all(
    client: SyncPrefectClient, limits: Mapping[str, tuple[int, float | None]], address: str | None
) -> Iterator[str]:
    """Do one part after the other; a sentence for each, once it is done."""
    yield (
        phrase("work pool {name}: created, of type process", name=POOL)
        if _ensure_pool(client)
        else phrase("work pool {name}: is there", name=POOL)
    )
    yield _deploy(client)
    for name, (slots, per_second) in limits.items():
        client.upsert_global_concurrency_limit_by_name(name, slots, per_second)
    yield phrase(
        "limits: {number}, for Notion's rate and for one run at a time that writes a month", number=len(limits)
    )
    if address:
        _save_block(address)
    automations = load_automations(find(AUTOMATIONS))
    for upkeep in automations.upkeep:
        _install(client, upkeep.automation())
    yield phrase("upkeep: {number}, for runs whose machine went down", number=len(automations.upkeep))
    yield _install_alerts(client, automations.alerts)
    for name in _remove_others(client, automations):
        yield phrase("removed, as {file} has it no longer: {name}", file=AUTOMATIONS, name=name)


def _tell(sentences: Iterable[str], command: str, *, as_json: bool) -> int:
    """Print what is done as it is done, or all of it in one object."""
    if as_json:
        print(Deployed(done=tuple(sentences), next=command).model_dump_json())
        return 0
    for sentence in sentences:
        _say(sentence)
    if command == _WORKER:
        _say(phrase("Runs are taken by: {command}", command=command))
    return 0


def _whose(name: str) -> str:
    return name if find(name) == Path(name) else phrase("the program's own {name}", name=name)


def load_automations(path: Path) -> Automations:
    """What a file declares, in the reader's language."""
    return Automations.model_validate(told_in_the_readers_language(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _ensure_pool(client: SyncPrefectClient) -> bool:
    """Create the work pool unless it is there, of whatever type; returns whether it was created."""
    from prefect.client.schemas.actions import WorkPoolCreate  # noqa: PLC0415
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415
    from prefect.workers.process import ProcessWorker  # noqa: PLC0415

    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))
        return True
    return False


def _deploy(client: SyncPrefectClient) -> str:
    """Take `prefect.yaml` to the server; returns a sentence about it, and about what is switched off there."""
    off = _switched_off(client)
    try:
        _run_prefect_deploy()
    finally:
        # It may have come half-way.
        still_off = _switch_off(client, off)
    tell_deployments(client, _ours(client))
    # Of a deployment that is off as a whole, its schedules need no mention.
    named = sorted(name for name in still_off if name.rpartition("/")[0] not in still_off)
    whose = _whose(DEPLOYMENTS)
    if not named:
        return phrase("deployments: those of {file}", file=whose)
    return phrase(
        "deployments: those of {file}; off until somebody switches them on in the server's pages: {names}",
        file=whose,
        names=", ".join(named),
    )


def _run_prefect_deploy() -> None:
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    command = [*prefect, "deploy", "--all", "--prefect-file", str(find(DEPLOYMENTS))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
    if done.returncode:
        raise DeployError(say("prefect deploy failed:\n{said}", said=(done.stdout + done.stderr).strip()))


def _switched_off(client: SyncPrefectClient) -> set[str]:
    """Deployments and schedules that are off on the server, by whatever hand, as `monthly` or `monthly/last-month`."""
    deployments = _ours(client)
    return {deployment.name for deployment in deployments if deployment.paused} | {
        f"{deployment.name}/{schedule.slug}"
        for deployment in deployments
        for schedule in deployment.schedules
        if not schedule.active
    }


def _switch_off(client: SyncPrefectClient, names: set[str]) -> set[str]:
    """Deploying switches everything on that `prefect.yaml` has active; returns which of the names are there and off."""
    found: set[str] = set()
    for deployment in _ours(client) if names else ():
        if deployment.name in names:
            client.pause_deployment(deployment.id)
            found.add(deployment.name)
        for schedule in deployment.schedules:
            name = f"{deployment.name}/{schedule.slug}"
            if schedule.id is not None and name in names:
                client.update_deployment_schedule(deployment.id, schedule.id, active=False)
                found.add(name)
    return found


def _ours(client: SyncPrefectClient) -> list[DeploymentResponse]:
    from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName  # noqa: PLC0415

    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    return client.read_deployments(work_pool_filter=pool, limit=200)


def _install(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Create or replace an automation, by name; one that a person has paused stays paused."""
    known = client.read_automations_by_name(automation.name)
    if known:
        client.update_automation(known[0].id, automation.model_copy(update={"enabled": known[0].enabled}))
    else:
        client.create_automation(automation)


def _install_alerts(client: SyncPrefectClient, alerts: list[Alert]) -> str:
    block = _find_block(client)
    if block is None:
        return phrase(
            "alerts: none yet. Make a notification block named {name} in the server's UI (Slack, Teams, e-mail, …), "
            "or give --alert-url-file, and run this again",
            name=ALERTS,
        )
    for alert in alerts:
        _install(client, alert.automation(block))
    return phrase("alerts: {number}, told through the block {name}", number=len(alerts), name=ALERTS)


def _remove_others(client: SyncPrefectClient, declared: Automations) -> list[str]:
    """Remove what an earlier version of the file has left: it would act, or tell, beside what took its place."""
    ours = [one for one in client.read_automations() if one.name.startswith(_PREFIX)]
    others = [one for one in ours if one.name not in declared.names]
    for one in others:
        client.delete_automation(one.id)
    return sorted(one.name for one in others)


def _find_block(client: SyncPrefectClient) -> UUID | None:
    for document in client.read_block_documents(limit=200, include_secrets=False):
        schema = document.block_schema
        if document.name == ALERTS and schema is not None and "notify" in schema.capabilities:
            return document.id
    return None


def _save_block(address: str) -> None:
    """Keep a webhook's address as a notification block. Whoever knows it can post there: Prefect encrypts it."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook  # noqa: PLC0415

    if urlsplit(address).hostname == _SLACK:
        SlackWebhook(url=address).save(ALERTS, overwrite=True)
        return
    CustomWebhookNotificationBlock(
        name=ALERTS,
        # The plain field would be shown in the UI.
        url="{{address}}",
        secrets={"address": address},
        json_data={"subject": "{{subject}}", "text": "{{body}}"},
    ).save(ALERTS, overwrite=True)


def _read(path: str) -> str:
    try:
        address = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(say("--alert-url-file: {path} can't be read", path=path)) from None
    if urlsplit(address).scheme not in ("http", "https"):
        raise SettingsError(say("--alert-url-file: there is no web address in that file"))
    return address


def _say(text: str) -> None:
    out().print(text, markup=False, highlight=False)
