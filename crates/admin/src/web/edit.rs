//! `/webhooks/new` and `/webhooks/{handle}/edit`: the form of a webhook.

use std::num::NonZero;

use hookgate_domain::policy::{AllowlistMode, Overload, PayloadLogging};
use hookgate_domain::{Allowlist, Policy, Webhook, WebhookName};
use hookgate_gate::{PeopleStore, PreviewDays, Store};
use hookgate_pages::{
    ConflictRow, EditWebhook, LineReading, NewWebhook, Preview, PreviewSender, Problem, WebhookForm,
    allowlist_lines,
};
use hookgate_people::Permission;

use super::conflict::{conflict, opened_with, shown_value};
use super::webhook::find;
use super::{PageContext, page, problems, re_render};
use crate::change::{self, Change};
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;
use hookgate_wire as wire;

/// Maximum number of senders in a preview, because a page has a bounded size.
const SENDERS: usize = 50;

/// Text fields of every form of a webhook.
const TEXTS: [&str; 6] = [
    "name",
    "allowlist",
    "body_bytes",
    "per_minute",
    "overload",
    "rotation_days",
];
const SWITCHES: [&str; 2] = ["observe", "payload_logging"];

/// Shows the form of a new webhook, empty or with the typed values.
pub(super) fn new<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    form: WebhookForm,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    page(
        NewWebhook {
            shell: screen.shell(),
            form,
            problems: Vec::new(),
        }
        .render(),
    )
}

/// Shows the form with the webhook's values. `add` appends an address to the allowlist, for the member to save.
pub(super) async fn show<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    let query = screen.fields(&["add"])?;
    let mut form = form_of(&webhook);
    // An empty allowlist permits every source. With one entry, it would refuse all others.
    if let Some(add) = query.get("add").filter(|_| !form.allowlist.is_empty()) {
        form.allowlist.push('\n');
        form.allowlist.push_str(add);
    }
    page(model(screen, &webhook, form, Vec::new()).render())
}

/// Shows the form with the typed values after its session has ended.
pub(super) async fn restore<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    let model = EditWebhook {
        revision: fields.read("revision")?.unwrap_or(webhook.revision),
        ..model(screen, &webhook, typed(fields), Vec::new())
    };
    page(model.render())
}

/// Saves the form if the webhook still has the revision that the form was opened with, or the one that the member has
/// decided to overwrite.
pub(super) async fn save<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    let form = typed(fields);
    let opened = opened_with(fields)?;
    let saved = match edited(fields, &form) {
        Ok(change) => {
            let revision = fields.read("overwrite")?.unwrap_or(opened);
            let acting = &screen.visitor.acting;
            let apply = |name: &mut WebhookName, policy: &mut Policy| change.apply(name, policy);
            let gate = screen.gate();
            gate.edit(acting, webhook.handle, Some(revision), apply).await
        }
        Err(fault) => Err(fault),
    };
    let (conflict, problems) = match saved {
        Ok(_) => return Ok(html::see_other(&format!("/webhooks/{handle}?done=edited"))),
        Err(fault) if fault.code == ErrorCode::PreconditionFailed => {
            // The webhook is read again, because it may have changed since it was read above.
            let webhook = find(screen, handle).await?;
            let rows = differences(&form_of(&webhook), &form);
            let subject = webhook.handle.to_string();
            let page = format!("/webhooks/{handle}/edit");
            (
                Some(conflict(screen, subject, webhook.revision, page, rows).await?),
                Vec::new(),
            )
        }
        Err(fault) => (None, told(fault)?),
    };
    let model = EditWebhook {
        revision: opened,
        conflict,
        ..model(screen, &webhook, form, problems)
    };
    re_render(model.render())
}

/// Parses the form, after a check that it is complete.
pub(super) fn edited(fields: &Fields<'_>, form: &WebhookForm) -> Result<Change, ApiError> {
    fields.complete(&TEXTS, &SWITCHES)?;
    change(form)
}

/// Fields in which the two forms differ.
fn differences(theirs: &WebhookForm, mine: &WebhookForm) -> Vec<ConflictRow> {
    let on = |is_on: bool| if is_on { "yes" } else { "no" }.to_owned();
    let values = |form: &WebhookForm| {
        [
            ("Name", form.name.clone()),
            ("Allowlist", form.allowlist.replace('\r', "")),
            ("Observe only", on(form.observe)),
            ("Store payloads", on(form.payload_logging)),
            ("Largest payload (bytes)", form.body_bytes.clone()),
            ("Rate limit, deliveries per minute", form.per_minute.clone()),
            ("Response above the limit", form.overload.clone()),
            (
                "Remind to rotate the URL after (days)",
                form.rotation_days.clone(),
            ),
        ]
    };
    let pairs = values(theirs).into_iter().zip(values(mine));
    pairs
        .filter(|((_, theirs), (_, mine))| theirs.trim() != mine.trim())
        .map(|((label, theirs), (_, mine))| ConflictRow {
            label,
            theirs: shown_value(&theirs),
            mine: shown_value(&mine),
        })
        .collect()
}

/// Previews the allowlist: the form again with the senders that would and would not pass or, for the script, only
/// that part.
pub(super) async fn preview<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    fields.complete(&["allowlist"], &[])?;
    let form = typed(fields);
    let days = change::preview_days(fields.read("days")?)?;
    let preview = preview_of(screen, &webhook, &form.allowlist, days).await?;
    if screen.fragment {
        return page(preview.render());
    }
    let model = EditWebhook {
        revision: opened_with(fields)?,
        preview: Some(preview),
        ..model(screen, &webhook, form, Vec::new())
    };
    page(model.render())
}

/// Shows the form with the allowlist that the senders of the last 30 days need, for the member to save.
pub(super) async fn suggest<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    let acting = &screen.visitor.acting;
    let suggestion = screen.gate().allowlist_suggestion(acting, webhook.handle).await?;
    let mut form = typed(fields);
    if !suggestion.entries.is_empty() {
        let lines: Vec<_> = suggestion.entries.iter().map(ToString::to_string).collect();
        form.allowlist = lines.join("\n");
    }
    let mut preview = preview_of(screen, &webhook, &form.allowlist, PreviewDays::Month).await?;
    for (line, addresses) in preview.lines.iter_mut().zip(&suggestion.addresses) {
        line.width = Some(wire::width(*addresses));
    }
    let model = EditWebhook {
        revision: opened_with(fields)?,
        preview: Some(preview),
        ..model(screen, &webhook, form, Vec::new())
    };
    page(model.render())
}

async fn preview_of<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    webhook: &Webhook,
    text: &str,
    days: PreviewDays,
) -> Result<Preview, ApiError> {
    let mut preview = Preview {
        lines: allowlist_lines(text),
        days: days.days(),
        ..Preview::default()
    };
    // Every line is checked, even if another one is invalid.
    let mut misses_set = false;
    for line in &mut preview.lines {
        let names_set = line.text.raw().starts_with('@');
        if let Ok(entry) = line.text.raw().parse::<Allowlist>()
            && names_set
            && screen.gate().missing_set(&entry).await?.is_some()
        {
            misses_set = true;
            line.reading = LineReading::Wrong {
                message: "there is no such address set".to_owned(),
            };
        }
    }
    let allowlist = if permits_any(text) {
        Allowlist::any()
    } else {
        match text.parse::<Allowlist>() {
            Ok(allowlist) if !misses_set => screen.gate().resolved(&allowlist).await?,
            Ok(_) => return Ok(preview),
            Err(error) => {
                preview.problem = Some(error.to_string()).filter(|_| !preview.has_wrong());
                return Ok(preview);
            }
        }
    };
    let acting = &screen.visitor.acting;
    preview.your_address = acting
        .from
        .map(|own| (own, allowlist.permits(own, screen.gate().now())));
    let found = screen
        .gate()
        .allowlist_preview(acting, webhook.handle, &allowlist, days)
        .await?;
    preview.senders = found.senders.iter().take(SENDERS).map(preview_sender).collect();
    preview.more = found.all_senders.saturating_sub(preview.senders.len() as u64);
    preview.stopping = found.would_stop.senders;
    preview.stopping_deliveries = found.would_stop.deliveries;
    preview.beyond = found.beyond;
    Ok(preview)
}

fn preview_sender(sender: &hookgate_gate::PreviewSender) -> PreviewSender {
    PreviewSender {
        source: sender.address,
        deliveries: sender.accepted,
        last_seen: sender.last_seen,
        passes_now: sender.passes_now,
        passes_then: sender.passes_then,
    }
}

/// Returns `true` if the text stands for no allowlist: every source is permitted.
fn permits_any(text: &str) -> bool {
    matches!(text.trim(), "" | "any")
}

/// The form as it was sent. A missing field is shown empty; saving refuses it.
pub(super) fn typed(fields: &Fields<'_>) -> WebhookForm {
    let text = |name| fields.get(name).unwrap_or_default().to_owned();
    WebhookForm {
        name: text("name"),
        allowlist: text("allowlist"),
        observe: fields.is_on("observe"),
        payload_logging: fields.is_on("payload_logging"),
        signed: fields.is_on("signed"),
        body_bytes: text("body_bytes"),
        per_minute: text("per_minute"),
        overload: text("overload"),
        rotation_days: text("rotation_days"),
    }
}

/// Parses the form into a change. Returns its problems if it is invalid.
fn change(form: &WebhookForm) -> Result<Change, ApiError> {
    let number = |field, text: &str| {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse::<u32>().ok().filter(|number| *number > 0);
        number
            .map(Some)
            .ok_or_else(|| ApiError::field(field, "range", "must be a whole number above 0, or empty"))
    };
    let overload = match form.overload.as_str() {
        "refuse" => 429,
        "postpone" => 503,
        _ => return Err(ApiError::field("overload", "one_of", "choose 429 or 503")),
    };
    let any = permits_any(&form.allowlist);
    let days = number("rotation_days", &form.rotation_days)?
        .map(|days| {
            u16::try_from(days).map_err(|_| ApiError::field("rotation_days", "range", "at most 65535"))
        })
        .transpose()?;
    Change::read(change::Fields {
        name: Some(form.name.clone()),
        allowlist: Some((!any).then(|| vec![form.allowlist.clone()])),
        allowlist_mode: Some(if form.observe { "observe" } else { "enforce" }.to_owned()),
        max_body: number("body_bytes", &form.body_bytes)?,
        per_minute: Some(number("per_minute", &form.per_minute)?.and_then(NonZero::new)),
        overload: Some(overload),
        payload_logging: Some(form.payload_logging),
        rotation_days: Some(days.and_then(NonZero::new)),
    })
}

/// The problems, with the field names of the form.
pub(super) fn told(fault: ApiError) -> Result<Vec<Problem>, ApiError> {
    let mut problems = problems(fault)?;
    for problem in &mut problems {
        if problem.field == "max_body" {
            "body_bytes".clone_into(&mut problem.field);
        }
    }
    Ok(problems)
}

fn form_of(webhook: &Webhook) -> WebhookForm {
    let policy = &webhook.policy;
    let entries = policy.allowlist.entries().unwrap_or_default();
    let lines: Vec<_> = entries.iter().map(ToString::to_string).collect();
    let number = |number: Option<String>| number.unwrap_or_default();
    WebhookForm {
        name: webhook.name.as_str().to_owned(),
        allowlist: lines.join("\n"),
        observe: policy.allowlist_mode == AllowlistMode::Observe,
        payload_logging: policy.payload_logging == PayloadLogging::On,
        signed: policy.signing_secret.is_some(),
        body_bytes: policy.limits.body_bytes().to_string(),
        per_minute: number(policy.limits.per_minute().map(|rate| rate.to_string())),
        overload: match policy.limits.overload() {
            Overload::Refuse => "refuse",
            Overload::Postpone => "postpone",
        }
        .to_owned(),
        rotation_days: number(policy.rotation.days.map(|days| days.to_string())),
    }
}

fn model<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    webhook: &Webhook,
    form: WebhookForm,
    problems: Vec<Problem>,
) -> EditWebhook {
    EditWebhook {
        shell: screen.shell(),
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        revision: webhook.revision,
        conflict: None,
        form,
        problems,
        preview: None,
    }
}
