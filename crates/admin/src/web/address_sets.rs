//! `/address-sets`: named lists of networks.

mod networks;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{AddressSet, AddressSetName, NetworkChanges, SetFilter, SetOrigin};
use hookgate_domain::allowlist::{AllowlistWarning, network_warnings};
use hookgate_gate::{ActorContext, PeopleStore, PreviewDays, SetPreview, Store};
use hookgate_pages::{
    AddressSetDetail, AddressSetFacts, AddressSetForm, AddressSetList, Confirm, SetChange, SetVersionRow,
    UserText,
};
use hookgate_people::Permission;

use super::once::Done;
use super::{PageContext, page, problems, re_render};
use crate::html;
use crate::set_source::{SetSource, published};
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;

pub(super) use networks::{edit, preview, restore};

/// Maximum number of webhooks that the page of a set names.
const USES: u16 = 20;

/// Shows the list.
pub(super) async fn list<S: Store + PeopleStore>(screen: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    screen.fields(&[])?;
    page(model(screen).await?.render())
}

/// Creates a set: of own networks, or of a published list.
pub(super) async fn create<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let acting = screen.acting_once(fields)?;
    if let Some(made) = screen.done_before(&acting).await? {
        return Ok(screen.done_already(&format!("/address-sets/{}", made.name)));
    }
    let form = typed(fields);
    let created = match complete(fields) {
        Ok(()) => try_create(screen, &acting, &form).await,
        Err(fault) => Err(fault),
    };
    match screen.settled(&acting, created).await {
        Ok(Done::Now(name)) => Ok(html::see_other(&format!("/address-sets/{name}?done=set-created"))),
        Ok(Done::Before(made)) => Ok(screen.done_already(&format!("/address-sets/{}", made.name))),
        Err(fault) => {
            let problems = problems(fault)?;
            let model = AddressSetList {
                form,
                problems,
                ..model(screen).await?
            };
            re_render(model.render())
        }
    }
}

/// Shows the list with the form of a new set as it was typed.
pub(super) async fn restore_new<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let model = AddressSetList {
        form: typed(fields),
        ..model(screen).await?
    };
    page(model.render())
}

fn typed(fields: &Fields<'_>) -> AddressSetForm {
    let text = |name| fields.get(name).unwrap_or_default().trim().to_owned();
    AddressSetForm {
        name: text("name"),
        networks: text("networks"),
        provider: text("provider"),
        filter: text("filter"),
        url: text("url"),
        document: text("document"),
    }
}

/// Checks that one of the two forms is complete: without its filter, the whole published list would be used.
fn complete(fields: &Fields<'_>) -> Result<(), ApiError> {
    if fields.get("provider").is_some() {
        fields.complete(&["name", "provider", "filter", "url", "document"], &[])
    } else {
        fields.complete(&["name", "networks"], &[])
    }
}

async fn try_create<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    acting: &ActorContext,
    form: &AddressSetForm,
) -> Result<AddressSetName, ApiError> {
    let wrong = |field: &'static str| {
        move |error: &dyn std::fmt::Display| ApiError::field(field, "form", error.to_string())
    };
    let name: AddressSetName = form.name.parse().map_err(|error| wrong("name")(&error))?;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let made = if form.provider.is_empty() {
        SetSource::own(&entries(&form.networks))?
    } else {
        let provider = form.provider.parse().map_err(|error| wrong("provider")(&error))?;
        let filter: SetFilter = form.filter.parse().map_err(|error| wrong("filter")(&error))?;
        let (url, document) = (given(&form.url), given(&form.document));
        let fetcher = &screen.console.fetcher;
        published(
            screen.gate(),
            fetcher,
            provider,
            filter,
            url.as_deref(),
            document.as_deref(),
        )
        .await?
    };
    let gate = screen.gate();
    let set = gate.address_set_create(acting, name, made.origin, made.networks, made.etag);
    Ok(set.await?.name)
}

/// Shows one set.
pub(super) async fn show<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    name: &str,
) -> Result<Reply, ApiError> {
    screen.fields(&[])?;
    let (set, networks) = find(screen, name).await?;
    let change = match set.pending {
        None => None,
        Some(pending) => {
            let waiting = screen
                .gate()
                .store()
                .address_set_networks(&set.name, pending)
                .await?;
            match waiting {
                Some(waiting) => Some(change_of(screen, &set, &networks, &waiting).await?),
                None => None,
            }
        }
    };
    let detail = detail(screen, &set, lines(&networks)).await?;
    let warnings = warnings(screen, None, &networks);
    page(
        AddressSetDetail {
            change,
            warnings,
            ..detail
        }
        .render(),
    )
}

/// Downloads a published list again.
pub(super) async fn refresh<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    name: &str,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let (set, _) = find(screen, name).await?;
    let url = set
        .url()
        .ok_or_else(|| ApiError::conflict("this set has no URL to download from"))?;
    let published = screen.console.fetcher.get(url, set.reading.etag.as_deref()).await;
    let acting = &screen.visitor.acting;
    let taken = screen
        .gate()
        .address_set_refresh(acting, &set.name, published)
        .await;
    // An invalid document is recorded as the set's fault, and the page shows it.
    let said = match taken {
        Ok(taken) if taken.set.reading.fault.is_none() => "?done=set-refreshed",
        Ok(_) | Err(hookgate_gate::AddressSetError::Document(_)) => "",
        Err(error) => return Err(error.into()),
    };
    Ok(html::see_other(&format!("/address-sets/{name}{said}")))
}

/// Approves or rejects the pending version.
pub(super) async fn decide<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let (set, _) = find(screen, name).await?;
    let version = fields.read::<i64>("version")?.ok_or(ErrorCode::BadRequest)?;
    let approve = match fields.get("approve") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(ApiError::field("approve", "one_of", "yes, no")),
    };
    let acting = &screen.visitor.acting;
    screen
        .gate()
        .address_set_decide(acting, &set.name, version, approve)
        .await?;
    let said = if approve { "set-approved" } else { "set-rejected" };
    Ok(html::see_other(&format!("/address-sets/{name}?done={said}")))
}

/// Removes a set, after a confirmation.
pub(super) async fn remove<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let (set, _) = find(screen, name).await?;
    if fields.get("confirm") != Some("yes") {
        let confirm = Confirm {
            shell: screen.shell(),
            title: format!("Remove the address set @{}?", set.name),
            consequences: vec!["Its networks and versions are deleted. No allowlist uses it.".into()],
            affected: Vec::new(),
            action: format!("/address-sets/{name}/remove"),
            fields: vec![("confirm".to_owned(), "yes".to_owned())],
            button: "Remove the set".to_owned(),
            back: format!("/address-sets/{name}"),
        };
        return page(confirm.render());
    }
    screen
        .gate()
        .address_set_remove(&screen.visitor.acting, &set.name)
        .await?;
    Ok(html::see_other("/address-sets?done=set-removed"))
}

async fn find<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    name: &str,
) -> Result<(AddressSet, std::sync::Arc<Networks>), ApiError> {
    let name: AddressSetName = name.parse().map_err(|_| ErrorCode::NotFound)?;
    Ok(screen.gate().address_set(&name).await?)
}

async fn model<S: Store + PeopleStore>(screen: &PageContext<'_, S>) -> Result<AddressSetList, ApiError> {
    let sets = screen.gate().store().address_sets().await?;
    Ok(AddressSetList {
        shell: screen.shell(),
        rows: sets.iter().map(|set| facts(screen, set)).collect(),
        form: AddressSetForm::default(),
        problems: Vec::new(),
    })
}

async fn detail<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    set: &AddressSet,
    networks: String,
) -> Result<AddressSetDetail, ApiError> {
    let store = screen.gate().store();
    let (count, handles) = store.address_set_uses(&set.name, USES).await?;
    let mut users = Vec::new();
    for handle in handles {
        let webhook = store.webhook_by_handle(handle).await?;
        users.extend(webhook.map(|webhook| (handle, webhook.name.as_str().into())));
    }
    let versions = store.address_set_versions(&set.name).await?;
    let row = |version: &hookgate_domain::address_set::SetVersion| SetVersionRow {
        number: version.number,
        state: version.state.as_str(),
        made_at: version.made_at,
        made_by: (&*version.made_by).into(),
        networks: version.networks,
        added: version.added,
        removed: version.removed,
    };
    Ok(AddressSetDetail {
        shell: screen.shell(),
        set: facts(screen, set),
        networks,
        revision: set.revision,
        conflict: None,
        uses: (count, users),
        versions: versions.iter().map(row).collect(),
        warnings: Vec::new(),
        change: None,
        problems: Vec::new(),
    })
}

/// Warnings about networks, also if the member's own address would no longer be in the set.
fn warnings<S>(screen: &PageContext<'_, S>, known: Option<&Networks>, networks: &Networks) -> Vec<String> {
    let own = screen.visitor.acting.from.filter(|own| {
        let held = known.is_some_and(|known| known.holds(*own));
        held && !networks.holds(*own)
    });
    let own = own.map(|own| AllowlistWarning::OwnAddress(own.to_canonical()));
    own.into_iter()
        .chain(network_warnings(networks.as_slice().iter().copied()))
        .map(|warning| warning.to_string())
        .collect()
}

/// The changes that other networks would make. For members who may manage webhooks, also the senders that would stop
/// passing.
async fn change_of<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    set: &AddressSet,
    known: &Networks,
    other: &Networks,
) -> Result<SetChange, ApiError> {
    let (acting, days) = (&screen.visitor.acting, PreviewDays::default());
    let mut unknown = 0_u64;
    let webhooks = if screen.visitor.may(Permission::ManageWebhooks) {
        let gate = screen.gate();
        let (_, previews) = gate.address_set_preview(acting, &set.name, other, days).await?;
        let beyond = previews.iter().map(|one| one.preview.beyond);
        unknown = beyond.fold(0, u64::saturating_add);
        Some(previews.iter().map(stopping).collect())
    } else {
        None
    };
    let changes = NetworkChanges::between(known, other);
    let texts = |networks: &[hookgate_domain::IpNetwork]| networks.iter().map(ToString::to_string).collect();
    Ok(SetChange {
        added: texts(&changes.added),
        removed: texts(&changes.removed),
        days: days.days(),
        webhooks,
        unknown,
    })
}

/// Name of a webhook, senders that would stop passing, all senders, and deliveries of the former.
fn stopping(one: &SetPreview) -> (UserText, u64, u64, u64) {
    let stop = one.preview.would_stop;
    let name = one.webhook.name.as_str().into();
    (name, stop.senders, one.preview.all_senders, stop.deliveries)
}

fn facts<S>(screen: &PageContext<'_, S>, set: &AddressSet) -> AddressSetFacts {
    let (provider, filter) = match &set.origin {
        SetOrigin::Own => (String::new(), String::new()),
        SetOrigin::Published { provider, filter, .. } => (provider.to_string(), filter.to_string()),
    };
    AddressSetFacts {
        name: set.name.clone(),
        provider,
        filter,
        url: set.url().map(Into::into),
        version: set.version,
        networks: set.networks,
        changed_at: set.changed_at,
        pending: set.pending,
        read_at: set.reading.read_at,
        fault: set.reading.fault.as_deref().map(Into::into),
        stale: set.is_stale(screen.now),
    }
}

fn lines(networks: &Networks) -> String {
    let lines: Vec<_> = networks.as_slice().iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn entries(typed: &str) -> Vec<String> {
    typed
        .split(|c: char| c == ',' || c.is_ascii_whitespace())
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}
