//! The contract suite of [`Store`] and [`PeopleStore`](hookgate_gate::PeopleStore): one check for each sentence of
//! their documentation. Every store runs all checks, mounted by [`store_contract!`](crate::store_contract!).

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are tests, in a library for every store"
)]

pub mod addresses;
pub mod audit;
pub mod audit_search;
pub mod change_model;
pub mod changes;
pub mod commits;
pub mod history;
pub mod incidents;
pub mod leavers;
pub mod makers;
pub mod members;
pub mod people;
pub mod pruning;
pub mod records;
pub mod refusals;
pub mod retries;
pub mod runs;
pub mod searches;
pub mod sessions;
pub mod set_versions;
pub mod sizes;
pub mod standing;
pub mod timeline;
pub mod tokens;
pub mod usage;
pub mod usage_history;
pub mod usage_sources;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::{DeliveryId, Incident, IncidentNumber, Timestamp, Webhook, WebhookIdDigest};
use hookgate_gate::{
    Accepted, AcceptedDelivery, Commit, DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentAction,
    IncidentFilter, PageSize, Seek, Store, Touched,
};

use crate::samples;

/// Longest time that a check waits for something that the contract promises "soon".
const SOON: Duration = Duration::from_mins(1);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Mounts the contract: one test for each check. The argument is an asynchronous function that returns a fresh, empty
/// store, and a value that stays alive as long as the store is used. The calling crate needs tokio with `macros` and
/// `rt-multi-thread`.
#[macro_export]
macro_rules! store_contract {
    ($fresh:path) => {
        $crate::store_contract! { $fresh;
            webhooks: a_living_url_leads_to_its_webhook, a_url_is_the_same_at_the_same_revision, an_unknown_url_leads_nowhere, every_setting_comes_back,
                a_regenerated_url_leaves_a_tombstone, a_revoked_webhook_leaves_a_tombstone,
                a_replacement_of_another_revision_is_a_conflict, one_of_many_replacements_wins,
                a_handle_is_taken_once, an_unknown_webhook_is_not_replaced, a_name_finds_two_and_the_living_first,
                pages_follow_the_handles, webhooks_are_counted_by_state;
            commits: an_accepted_delivery_is_on_record, notes_are_on_record, what_would_be_refused_is_marked, what_is_not_kept_is_not_on_record,
                another_revision_is_stale, an_unknown_webhook_is_stale, a_change_earlier_in_line_makes_it_stale,
                nothing_is_committed_after_a_replacement_answered, numbers_are_unique_and_rise,
                a_commit_outlives_its_caller;
            changes: many_incidents_open_in_one_commit, changes_of_each_kind_are_made,
                a_change_without_incident_changes_nothing, a_key_twice_is_changed_in_order,
                no_part_of_a_delivery_is_stored, a_retry_gets_all_incidents, further_new_incidents_are_folded,
                an_incident_has_all_deliveries_that_touched_it, a_late_resolve_of_custom_joins_its_incident;
            change_model: random_changes_follow_the_model;
            retries: a_retry_gets_the_first_answer_and_is_counted, another_payload_is_a_conflict,
                a_key_expires, a_key_belongs_to_its_webhook, a_stale_retry_is_stale, many_retries_at_once_store_one,
                a_key_of_an_earlier_version_is_known;
            incidents: an_incident_holds_what_the_delivery_said, a_dedup_key_updates_the_incident,
                a_dedup_key_belongs_to_its_webhook, a_resolved_incident_stays_resolved, an_all_clear_is_on_record,
                a_late_resolve_joins_its_incident, many_updates_at_once_are_all_counted,
                what_comes_at_once_is_stored_like_one_by_one, pages_go_back_by_number, what_is_not_resolved_is_counted;
            timeline: what_changes_is_listed_in_order, plain_repeats_are_not_listed, a_late_resolve_is_listed_once,
                listed_changes_are_bounded, acts_of_people_are_listed, a_full_timeline_takes_no_more_notes,
                a_reopened_incident_takes_deliveries_again, a_taken_dedup_key_keeps_an_incident_resolved,
                events_go_with_their_incident;
            runs: a_timeline_counts_runs, a_timeline_dates_many_runs;
            people: people_act_on_incidents, a_rule_that_refuses_stores_nothing, one_of_two_actions_wins;
            history: pages_go_both_ways, a_page_finds_its_webhook, a_page_finds_outcome_and_code, a_page_finds_its_request,
                a_page_finds_a_network, a_page_finds_what_would_be_refused, filters_work_together;
            records: a_record_has_the_name_of_today, what_was_answered_is_on_record;
            refusals: a_refusal_is_on_record, a_refused_payload_is_cut, refusals_of_a_webhook_keep_few_bytes,
                a_refusal_tells_how_its_source_was_found, identical_refusals_fold_and_are_counted, a_refusal_that_is_counted_needs_no_record,
                a_refusal_of_no_webhook_leaves_no_trace;
            members: a_member_comes_back, a_name_is_taken_once_in_whatever_case, names_that_look_alike_are_one,
                pages_follow_the_ids,
                a_role_is_changed_with_its_entry, the_last_of_many_owners_stays, a_removal_ends_everything,
                a_new_password_ends_the_other_sessions;
            sessions: a_session_comes_back, a_session_ends_once, a_session_is_for_the_password_that_was_checked,
                a_member_has_a_bounded_number_of_sessions, a_link_works_once, another_link_takes_the_place_of_the_first,
                the_first_owner_is_made_once, a_link_of_nobody_is_a_conflict, a_member_is_told_of_failed_sign_ins;
            makers: a_maker_comes_back, what_a_member_made_ends_with_the_member, what_a_member_made_ends_with_a_lower_role,
                a_higher_role_ends_what_others_made, a_new_password_ends_what_was_made_elsewhere,
                an_ended_session_ends_what_was_made_in_it, a_link_for_somebody_above_is_a_conflict,
                a_link_is_no_way_around_a_change;
            tokens: a_token_comes_back, a_token_is_revoked_once, what_a_token_made_ends_with_it, token_pages_follow_the_ids;
            audit: a_change_of_a_webhook_has_its_entry, a_request_is_stored_once, what_changes_nothing_has_no_entry,
                an_incident_has_its_entry, entries_are_found_and_paged, every_actor_comes_back, what_is_over_goes,
                failed_sign_ins_share_an_entry;
            leavers: a_member_knows_what_it_was_shown, a_removal_marks_urls_and_disturbs_no_delivery,
                a_new_url_clears_the_mark;
            searches: labels_and_titles_are_paged;
            standing: an_actor_who_may_changes_everything, a_removed_member_changes_nothing, an_ended_session_changes_nothing,
                a_lowered_role_changes_nothing, a_dead_token_changes_nothing, a_token_dies_with_its_owner,
                a_removal_misses_no_url;
            audit_search: entries_are_found_by_name_and_kind, actors_are_named_once, families_of_acts_are_one_list,
                entries_are_found_by_time, subjects_are_found_by_name;
            pruning: nothing_old_means_nothing_to_remove, payloads_go_before_records, old_incidents_go_unless_touched,
                old_keys_go, too_much_goes_oldest_first,
                too_much_takes_no_unresolved_incident, the_loudest_webhook_pays,
                a_full_webhook_opens_no_more_incidents, tombstones_stay,
                deliveries_of_several_incidents_are_pruned;
            sizes: what_updates_add_is_held_against_their_webhook, three_webhooks_that_only_open_incidents_are_full,
                twenty_webhooks_that_only_open_incidents_are_full;
            usage: nothing_sent_is_nothing_used, what_was_answered_is_counted, folded_refusals_are_counted,
                a_replay_is_not_counted, minutes_and_hours_have_their_buckets, webhooks_are_counted_apart_and_together,
                a_list_shows_a_day_and_the_last_delivery, counts_go_with_the_deliveries;
            usage_history: headers_and_timing_are_on_record, times_are_filtered, a_page_tells_whether_it_is_the_last,
                an_incident_has_its_deliveries, incidents_are_found_by_webhook;
            addresses: a_set_comes_back, a_changed_set_changes_its_webhooks,
                one_of_two_changes_of_a_set_wins, a_used_set_stays,
                a_revoked_webhook_uses_no_set,
                a_sole_source_is_found;
            set_versions: what_waits_does_not_count, a_set_keeps_some_versions;
            usage_sources: sources_that_sent_most_come_first, a_source_is_new_once, sites_of_ipv6_are_one_source,
                accepted_sources_are_those_that_passed, reasons_are_counted_by_source,
                what_would_be_refused_is_counted_by_source, who_refused_lately_is_found;
        }
    };
    ($fresh:path; $($module:ident: $($check:ident),+;)+) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let (store, _kept) = $fresh().await;
                $crate::contract::$module::$check(&std::sync::Arc::new(store)).await;
            })+
        })+
    };
}

/// Stores the sample webhook with this seed.
async fn with_webhook<S: Store>(store: &Arc<S>, seed: u16) -> Webhook {
    let webhook = samples::webhook(seed);
    store
        .webhook_insert(webhook.clone(), samples::audit())
        .await
        .unwrap();
    webhook
}

/// The digest of the URL of a living webhook.
fn digest(webhook: &Webhook) -> WebhookIdDigest {
    webhook.live_url().expect("a living webhook").digest
}

/// Commits a delivery, which must be stored.
async fn stored<S: Store>(store: &Arc<S>, delivery: AcceptedDelivery) -> Accepted {
    match store.delivery_commit(delivery).await.unwrap() {
        Commit::Stored(accepted) => accepted,
        other => panic!("not stored but {other:?}"),
    }
}

/// The first incident that a delivery opened or updated.
fn touched(accepted: &Accepted) -> Touched {
    *accepted.incidents.first().expect("it tells of an incident")
}

/// Commits a delivery that opens or updates an incident.
async fn told<S: Store>(store: &Arc<S>, delivery: AcceptedDelivery) -> IncidentNumber {
    touched(&stored(store, delivery).await).number
}

/// Acts on an incident; its rules must allow it.
async fn acted<S: Store>(
    store: &Arc<S>,
    number: IncidentNumber,
    action: IncidentAction,
    at: Timestamp,
) -> Incident {
    let acted = store
        .incident_act(number, action, samples::actor_context(), at)
        .await;
    acted.unwrap().expect("there is such an incident").unwrap()
}

/// Reads an incident, which must exist.
async fn incident<S: Store>(store: &Arc<S>, number: IncidentNumber) -> Incident {
    store
        .incident_by_number(number)
        .await
        .unwrap()
        .expect("an incident that was stored")
}

/// The incidents of one large page.
async fn incidents<S: Store>(store: &Arc<S>, filter: IncidentFilter) -> Vec<Incident> {
    let page = store.incident_page(filter, None, PageSize::MAX).await.unwrap();
    page.items
}

/// Reads a record, which must exist.
async fn record<S: Store>(store: &Arc<S>, id: DeliveryId) -> DeliveryRecord {
    store
        .delivery_by_id(id)
        .await
        .unwrap()
        .expect("a record that was stored")
}

/// The whole history, oldest first, page by page.
async fn all_records<S: Store>(store: &Arc<S>, filter: &DeliveryFilter) -> Vec<DeliverySummary> {
    let mut records: Vec<DeliverySummary> = Vec::new();
    loop {
        let seek = Seek::After(records.last().map(|record| record.id));
        let page = store
            .delivery_page(filter, seek, PageSize::MAX)
            .await
            .unwrap()
            .items;
        if page.is_empty() {
            return records;
        }
        records.extend(page);
    }
}

/// Waits until the counts of all records add up to `deliveries` or more; returns the records.
async fn accounted<S: Store>(store: &Arc<S>, deliveries: i64) -> Vec<DeliverySummary> {
    let looking = async {
        loop {
            let records = all_records(store, &DeliveryFilter::default()).await;
            if records.iter().map(|record| record.count).sum::<i64>() >= deliveries {
                return records;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(SOON, looking)
        .await
        .expect("refusals are written soon")
}
