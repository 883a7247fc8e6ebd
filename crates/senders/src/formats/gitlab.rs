//! The webhooks of GitLab projects and groups. The next success on the same branch resolves a failed pipeline.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{link, member, members, text};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let kind = body
        .get("object_kind")
        .text()
        .ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let fields = match &*kind {
        "pipeline" => of_pipeline(body),
        "build" => of_job(body),
        "deployment" => of_deployment(body),
        _ => None,
    };
    let Some((status, fields)) = fields else {
        return Ok(Message::other_event(&kind));
    };
    let action = match &*status {
        "failed" => ChangeAction::Open,
        "success" => ChangeAction::Resolve,
        other => return Ok(Message::other_event(other)),
    };
    let project = body.get("project");
    let service =
        member(project, &["path_with_namespace", "name"]).or_else(|| member(body, &["project_name"]));
    Message::change(action, DraftFields { service, ..fields })
}

/// The status and fields of an event; `None` if it lacks what identifies it.
type Event<'d> = Option<(Cow<'d, str>, DraftFields<'d>)>;

fn of_pipeline(body: Value<'_>) -> Event<'_> {
    let (pipeline, project) = (body.get("object_attributes"), body.get("project"));
    let (id, branch) = (member(project, &["id"])?, member(pipeline, &["ref"])?);
    let web_url = member(project, &["web_url"]);
    // A child pipeline has the branch of its parent, and may succeed while the parent fails.
    let is_child = pipeline.get("source").is("parent_pipeline");
    let child = if is_child { "/child" } else { "" };
    let fields = DraftFields {
        title: Some(format!("Pipeline failed on {branch}").into()),
        description: member(body.get("commit"), &["title", "message"]),
        source_url: link([pipeline.get("url")])
            .or_else(|| Some(format!("{}/-/pipelines/{}", web_url?, member(pipeline, &["id"])?).into())),
        dedup_key: Some(format!("pipeline/{id}/{branch}{child}").into()),
        metadata: members(pipeline, &["ref", "sha", "source", "id"]),
        ..DraftFields::default()
    };
    Some((member(pipeline, &["status"])?, fields))
}

fn of_job(body: Value<'_>) -> Event<'_> {
    if body.get("build_allow_failure").is("true") {
        return None;
    }
    let (id, branch) = (member(body, &["project_id"])?, member(body, &["ref"])?);
    let name = member(body, &["build_name"])?;
    let fields = DraftFields {
        title: Some(format!("Job {name} failed on {branch}").into()),
        description: member(body, &["build_failure_reason"]),
        source_url: member(body.get("repository"), &["homepage"])
            .and_then(|home| Some(format!("{home}/-/jobs/{}", member(body, &["build_id"])?).into())),
        dedup_key: Some(format!("job/{id}/{branch}/{name}").into()),
        metadata: members(body, &["build_stage", "ref", "sha", "pipeline_id"]),
        ..DraftFields::default()
    };
    Some((member(body, &["build_status"])?, fields))
}

fn of_deployment(body: Value<'_>) -> Event<'_> {
    let id = member(body.get("project"), &["id"])?;
    let environment = member(body, &["environment"])?;
    let mut metadata = members(body, &["ref", "short_sha"]);
    metadata.push(("environment".into(), text(&environment)));
    let fields = DraftFields {
        title: Some(format!("Deployment to {environment} failed").into()),
        description: member(body, &["commit_title"]),
        source_url: link([body.get("deployable_url")]),
        dedup_key: Some(format!("deployment/{id}/{environment}").into()),
        metadata,
        ..DraftFields::default()
    };
    Some((member(body, &["status"])?, fields))
}
