//! Models of the pages of address sets.

use std::sync::Arc;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{AddressSet, NetworkChanges, SetOrigin};
use hookgate_domain::networks::{NetworkWarning, network_warnings};
use hookgate_gate::{PeopleStore, PreviewDays, SetPreview, Store};
use hookgate_pages::{
    AddressSetDetail, AddressSetFacts, AddressSetForm, AddressSetList, SetChange, SetVersionRow, UserText,
};
use hookgate_people::Permission;

use crate::web::page_context::PageContext;
use hookgate_request::{ApiError, path_id};

/// Maximum number of webhooks that the page of a set names.
const USES: u16 = 20;

/// The set with the name in the path, and its networks.
pub(super) async fn find<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
) -> Result<(AddressSet, Arc<Networks>), ApiError> {
    Ok(context.gate().address_set(&path_id(name)?).await?)
}

/// The list of the sets, with an empty form.
pub(super) async fn list<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
) -> Result<AddressSetList, ApiError> {
    let sets = context.gate().store().address_sets().await?;
    Ok(AddressSetList {
        shell: context.shell(),
        rows: sets.iter().map(|set| facts(context, set)).collect(),
        form: AddressSetForm::default(),
        problems: Vec::new(),
    })
}

/// The page of a set, with `networks` in its form.
pub(super) async fn detail<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    set: &AddressSet,
    networks: String,
) -> Result<AddressSetDetail, ApiError> {
    let store = context.gate().store();
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
        shell: context.shell(),
        set: facts(context, set),
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
pub(super) fn warnings<S>(
    context: &PageContext<'_, S>,
    known: Option<&Networks>,
    networks: &Networks,
) -> Vec<String> {
    let own = context.signed_in.actor.from.filter(|own| {
        let held = known.is_some_and(|known| known.holds(*own));
        held && !networks.holds(*own)
    });
    let own = own.map(|own| NetworkWarning::OwnAddress(own.to_canonical()));
    own.into_iter()
        .chain(network_warnings(networks.as_slice().iter().copied()))
        .map(|warning| warning.to_string())
        .collect()
}

/// The changes that other networks would make. For members who may manage webhooks, also the senders that would stop
/// passing.
pub(super) async fn change_of<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    set: &AddressSet,
    known: &Networks,
    other: &Networks,
) -> Result<SetChange, ApiError> {
    let (actor, days) = (&context.signed_in.actor, PreviewDays::default());
    let mut unknown = 0_u64;
    let webhooks = if context.signed_in.may(Permission::ManageWebhooks) {
        let gate = context.gate();
        let (_, previews) = gate.address_set_preview(actor, &set.name, other, days).await?;
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

fn facts<S>(context: &PageContext<'_, S>, set: &AddressSet) -> AddressSetFacts {
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
        stale: set.is_stale(context.now),
    }
}

/// Networks as the text of a form: one on a line.
pub(super) fn lines(networks: &Networks) -> String {
    let lines: Vec<_> = networks.as_slice().iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The entries of a text field: separated by commas or spaces.
pub(super) fn entries(typed: &str) -> Vec<String> {
    typed
        .split(|c: char| c == ',' || c.is_ascii_whitespace())
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}
