//! The policy of a webhook as `create`, `edit` and `allow` name it.

use std::num::{NonZeroU16, NonZeroU32};

use hookgate_domain::policy::{Limits, Overload, PayloadLogging};
use hookgate_domain::rotation::RotationPolicy;
use hookgate_domain::{Allowlist, Policy};

use crate::cli::{OverloadStatus, PolicyArgs, Switch};
use crate::failure::Failure;

/// Changes the settings that the arguments name.
pub(super) fn amend(policy: &mut Policy, arguments: &PolicyArgs) -> Result<(), Failure> {
    if arguments.allow_any {
        policy.allowlist = Allowlist::any();
    } else if !arguments.allow.is_empty() {
        policy.allowlist = joined(&arguments.allow)?;
    }
    if let Some(mode) = arguments.allowlist_mode {
        policy.allowlist_mode = mode;
    }
    let limits = policy.limits;
    let overload = arguments
        .overload
        .map_or(limits.overload(), |status| match status {
            OverloadStatus::TooManyRequests => Overload::Refuse,
            OverloadStatus::Unavailable => Overload::Postpone,
        });
    let rate = arguments.per_minute.map_or(limits.per_minute(), NonZeroU32::new);
    policy.limits = Limits::new(arguments.max_body.unwrap_or(limits.body_bytes()), rate, overload)
        .map_err(Failure::usage)?;
    if let Some(switch) = arguments.payload_logging {
        policy.payload_logging = if switch == Switch::On {
            PayloadLogging::On
        } else {
            PayloadLogging::Off
        };
    }
    if let Some(days) = arguments.rotation_days {
        policy.rotation = RotationPolicy {
            days: NonZeroU16::new(days),
        };
    }
    Ok(())
}

/// The allowlist with more entries. A list that permits every address can't get entries, because it would then refuse all
/// other addresses.
pub(super) fn longer(list: &Allowlist, entries: &[Allowlist]) -> Result<Allowlist, Failure> {
    if list.entries().is_none() {
        return Err(Failure::refused(
            "every source is allowed already; `hookgate webhook edit --allow` creates an allowlist",
        ));
    }
    joined(&[std::slice::from_ref(list), entries].concat())
}

/// Joins all `--allow` arguments into one list; `any` among them permits every address.
pub(super) fn joined(lists: &[Allowlist]) -> Result<Allowlist, Failure> {
    let entries: Option<Vec<_>> = lists.iter().map(Allowlist::entries).collect();
    match entries {
        Some(entries) => Allowlist::of_entries(entries.concat()).map_err(Failure::usage),
        None => Ok(Allowlist::any()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Allowlist {
        text.parse().expect("an allowlist")
    }

    #[test]
    fn entries_are_added_or_the_reason_is_an_error() {
        let longer_by = |before: &Allowlist, more| longer(before, &[list(more)]);
        let office = list("192.0.2.0/24");
        let both = longer_by(&office, "198.51.100.7").expect("a longer list");
        assert_eq!(both.entries().map(<[_]>::len), Some(2));
        assert!(longer_by(&Allowlist::any(), "192.0.2.1").is_err());
        let temporary =
            (0..hookgate_domain::allowlist::MAX_TEMPORARY).map(|n| format!("10.0.{n}.0/24 until 2200-01-01"));
        let full = list(&temporary.collect::<Vec<_>>().join("\n"));
        assert!(longer_by(&full, "192.0.2.1 until 2200-01-01").is_err());
    }
}
