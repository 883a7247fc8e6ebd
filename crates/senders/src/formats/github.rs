//! The webhooks of GitHub repositories and organizations. The event is in the header `X-GitHub-Event`.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{link, member, members, text};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::{Handshake, Message};
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let event = payload
        .header("x-github-event")
        .ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let fields = match event {
        "ping" => return Ok(Message::handshake(Handshake::Ping)),
        "workflow_run" | "check_run" | "check_suite" | "workflow_job" => of_run(body, event),
        "deployment_status" => of_deployment(body),
        "status" => of_status(body),
        "dependabot_alert"
        | "secret_scanning_alert"
        | "code_scanning_alert"
        | "repository_vulnerability_alert" => of_alert(body, event),
        _ => None,
    };
    let message = match fields {
        Some((action, mut fields)) => {
            let repository = member(body.get("repository"), &["full_name"]);
            if let Some(name) = &repository {
                fields.metadata.insert(0, ("repository".into(), text(name)));
            }
            Message::change(
                action,
                DraftFields {
                    service: repository,
                    ..fields
                },
            )?
        }
        None => Message::other_event(event),
    };
    Ok(Message {
        delivery_id: payload.header("x-github-delivery").map(str::to_owned),
        ..message
    })
}

/// The action and fields of an event; `None` if it neither begins nor ends a problem.
type Change<'d> = Option<(ChangeAction, DraftFields<'d>)>;

/// A run of a workflow, or of checks. The next success on the same branch resolves a failure.
fn of_run<'d>(body: Value<'d>, event: &str) -> Change<'d> {
    let run = body.get(event);
    let action = match run.get("conclusion").text()?.as_ref() {
        "failure" | "timed_out" | "startup_failure" => ChangeAction::Open,
        "success" => ChangeAction::Resolve,
        // Runs that were cancelled, skipped or wait for an approval say nothing about the code.
        _ => return None,
    };
    let name = member(run, &["name"])
        .or_else(|| member(body.get("workflow"), &["name"]))
        .or_else(|| member(run.get("app"), &["name"]));
    let branch = member(run, &["head_branch"]).or_else(|| member(run.get("check_suite"), &["head_branch"]));
    // GitHub Actions has a suite for each workflow, all with the same name. Its runs tell the workflow.
    if event == "check_suite" && run.get("app").get("slug").is("github-actions") {
        return None;
    }
    // A job of a workflow, a run of a workflow, or a check.
    let workflow = member(run, &["workflow_id", "workflow_name"]);
    let part = name
        .clone()
        .filter(|_| workflow.is_none() || event == "workflow_job");
    // A fork may have a branch of the same name.
    let fork = member(run.get("head_repository"), &["id"]);
    let repository = member(body.get("repository"), &["id"]);
    let fork = fork.filter(|fork| Some(fork) != repository.as_ref());
    let place = [repository, workflow, part, fork, branch.clone()];
    let title = [
        name.as_deref().unwrap_or(event),
        " failed on ",
        branch.as_deref().unwrap_or("no branch"),
    ];
    let fields = DraftFields {
        title: Some(title.concat().into()),
        description: member(run, &["display_title"])
            .or_else(|| member(run.get("output"), &["summary", "title"])),
        source_url: link(["html_url", "details_url"].map(|name| run.get(name))),
        metadata: members(
            run,
            &["head_branch", "head_sha", "event", "run_number", "conclusion"],
        ),
        ..keyed(event, &place)?
    };
    Some((action, fields))
}

fn of_deployment(body: Value<'_>) -> Change<'_> {
    let status = body.get("deployment_status");
    let action = match status.get("state").text()?.as_ref() {
        "failure" | "error" => ChangeAction::Open,
        "success" => ChangeAction::Resolve,
        _ => return None,
    };
    let deployment = body.get("deployment");
    let environment = member(status, &["environment"]).or_else(|| member(deployment, &["environment"]))?;
    let place = [member(body.get("repository"), &["id"]), Some(environment.clone())];
    let fields = DraftFields {
        title: Some(format!("Deployment to {environment} failed").into()),
        description: member(status, &["description"]),
        source_url: link(["log_url", "target_url", "environment_url"].map(|name| status.get(name))),
        metadata: members(deployment, &["ref", "sha", "task"]),
        ..keyed("deployment", &place)?
    };
    Some((action, fields))
}

/// The status of a commit, from another tool.
fn of_status(body: Value<'_>) -> Change<'_> {
    let action = match body.get("state").text()?.as_ref() {
        "failure" | "error" => ChangeAction::Open,
        "success" => ChangeAction::Resolve,
        _ => return None,
    };
    let context = member(body, &["context"])?;
    let repository = body.get("repository");
    // A commit may be on several branches, in any order.
    let default_branch = member(repository, &["default_branch"]);
    let branches = || {
        body.get("branches")
            .items()
            .filter_map(|branch| member(branch, &["name"]))
    };
    let branch = branches()
        .find(|branch| Some(branch) == default_branch.as_ref())
        .or_else(|| branches().min());
    let place = [member(repository, &["id"]), Some(context.clone()), branch];
    let fields = DraftFields {
        title: Some(format!("{context} failed").into()),
        description: member(body, &["description"]),
        source_url: link([body.get("target_url")]),
        metadata: members(body, &["sha"]),
        ..keyed("status", &place)?
    };
    Some((action, fields))
}

/// An alert about the security of a repository. It has its own end.
fn of_alert<'d>(body: Value<'d>, event: &str) -> Change<'d> {
    let action = match body.get("action").text()?.as_ref() {
        "created" | "create" | "reopened" | "reopen" | "reintroduced" | "auto_reopened"
        | "appeared_in_branch" | "publicly_leaked" => ChangeAction::Open,
        "fixed" | "resolved" | "resolve" | "dismissed" | "dismiss" | "auto_dismissed" | "closed_by_user" => {
            ChangeAction::Resolve
        }
        _ => return None,
    };
    let alert = body.get("alert");
    let advisory = alert.get("security_advisory");
    let package = alert.get("dependency").get("package").get("name").text();
    let place = [
        member(body.get("repository"), &["id"]),
        member(alert, &["number", "id"]),
    ];
    let rule = alert.get("rule");
    let title = member(advisory, &["summary"])
        .or_else(|| member(rule, &["description", "name", "id"]))
        .or_else(|| {
            member(alert, &["secret_type_display_name", "secret_type"])
                .map(|kind| format!("Leaked secret: {kind}").into())
        })
        .or_else(|| {
            member(alert, &["affected_package_name"])
                .map(|name| format!("Vulnerable dependency: {name}").into())
        })
        .or_else(|| package.map(|name| format!("Vulnerable dependency: {name}").into()))
        .unwrap_or_else(|| event.replace('_', " ").into());
    let fields = DraftFields {
        title: Some(title),
        description: member(advisory, &["description"]),
        severity: member(alert.get("security_vulnerability"), &["severity"])
            .or_else(|| member(advisory, &["severity"]))
            .or_else(|| member(rule, &["security_severity_level", "severity"]))
            .or_else(|| member(alert, &["severity"])),
        source_url: link(["html_url", "external_reference"].map(|name| alert.get(name))),
        metadata: members(alert, &["number", "secret_type", "affected_range", "fixed_in"]),
        ..keyed(event, &place)?
    };
    Some((action, fields))
}

/// Fields with a key of these texts, of which the first must be there: repositories can be renamed, their IDs stay.
fn keyed(event: &str, place: &[Option<Cow<'_, str>>]) -> Option<DraftFields<'static>> {
    place.first()?.as_ref()?;
    let place: Vec<_> = place.iter().flatten().map(|text| &**text).collect();
    Some(DraftFields {
        dedup_key: Some(format!("{event}/{}", place.join("/")).into()),
        ..DraftFields::default()
    })
}
