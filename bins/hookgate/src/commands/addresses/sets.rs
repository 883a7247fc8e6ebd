//! Address sets as text for people.

use hookgate_domain::Timestamp;
use hookgate_domain::address_set::{AddressSet, SetOrigin};
use hookgate_domain::invisible::with_hidden_shown;
use hookgate_wire as wire;

/// The columns of address sets.
pub(super) const SET_HEADER: [&str; 7] = ["NAME", "NETWORKS", "ORIGIN", "VERSION", "SINCE", "READ", "REMARK"];

/// A set's columns.
pub(super) fn set_cells(set: &AddressSet, now: Timestamp) -> [String; 7] {
    let origin = match &set.origin {
        SetOrigin::Own => "own".to_owned(),
        SetOrigin::Published { provider, filter, .. } => format!("{provider} {filter}").trim_end().to_owned(),
    };
    let read_at = set.reading.read_at.filter(|_| set.url().is_some());
    let mut remarks = Vec::new();
    if set.is_stale(now) {
        remarks.push("STALE".to_owned());
    }
    if let Some(fault) = &set.reading.fault {
        remarks.push(format!("failed: {fault}"));
    }
    if let Some(pending) = set.pending {
        remarks.push(format!(
            "version {pending} needs approval: it would remove or add more than half"
        ));
    }
    [
        format!("@{}", set.name),
        set.networks.to_string(),
        origin,
        set.version.to_string(),
        wire::time(set.changed_at),
        read_at.map_or_else(String::new, wire::time),
        remarks.join(", "),
    ]
}

/// A set in one line for people.
pub(super) fn set_line(set: &AddressSet, now: Timestamp) -> String {
    let [name, _, origin, version, since, _, remark] = set_cells(set, now);
    let networks = wire::counted(set.networks, "network");
    let remark = if remark.is_empty() {
        remark
    } else {
        format!("  {remark}")
    };
    let line = format!("{name}  {networks}  {origin}  version {version} since {since}{remark}");
    with_hidden_shown(&line).into_owned()
}
