//! The tables for diesel. The migrations create them and document their columns.

pub(crate) mod people;

use people::tokens;

diesel::table! {
    webhooks (id) {
        id -> BigInt,
        organization -> BigInt,
        handle -> Text,
        name -> Text,
        format -> Text,
        state -> Text,
        digest -> Nullable<Binary>,
        hint -> Text,
        issued_at -> Nullable<BigInt>,
        exposed_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        allowlist -> Text,
        body_bytes -> BigInt,
        per_minute -> Nullable<BigInt>,
        overload -> Text,
        payload_logging -> Text,
        signing_secret -> Nullable<Binary>,
        rotation_days -> Nullable<BigInt>,
        revision -> BigInt,
        created_at -> BigInt,
        allowlist_mode -> Text,
        url_shown_to -> Nullable<Text>,
        secret_shown_to -> Nullable<Text>,
        leaver -> Nullable<Text>,
        leaver_at -> Nullable<BigInt>,
        mode_changed_at -> Nullable<BigInt>,
        full_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    retired_urls (digest) {
        digest -> Binary,
        hint -> Text,
        webhook -> BigInt,
        because -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    deliveries (id) {
        id -> BigInt,
        organization -> BigInt,
        webhook -> BigInt,
        received_at -> BigInt,
        source -> Binary,
        user_agent -> Nullable<Text>,
        answer -> Text,
        code -> Nullable<Text>,
        incident -> Nullable<BigInt>,
        count -> BigInt,
        took_us -> Nullable<BigInt>,
        headers -> Nullable<Text>,
        payload -> Nullable<Binary>,
        trail -> Nullable<Text>,
        notes -> Nullable<Text>,
        request_id -> Nullable<Binary>,
        incident_status -> Nullable<Text>,
        details -> Nullable<Text>,
        retry_after -> Nullable<BigInt>,
        no_payload -> Nullable<Text>,
        payload_bytes -> Nullable<BigInt>,
        weight -> Nullable<BigInt>,
        grown -> Nullable<BigInt>,
    }
}

diesel::table! {
    incidents (number) {
        number -> BigInt,
        organization -> BigInt,
        webhook -> BigInt,
        title -> Text,
        description -> Nullable<Text>,
        severity -> Text,
        status -> Text,
        service -> Nullable<Text>,
        source_url -> Nullable<Text>,
        dedup_key -> Nullable<Text>,
        metadata -> Nullable<Text>,
        occurrences -> BigInt,
        opened_at -> BigInt,
        updated_at -> BigInt,
        first_delivery -> Nullable<BigInt>,
        acknowledged_at -> Nullable<BigInt>,
        resolved_at -> Nullable<BigInt>,
        cleared_at -> Nullable<BigInt>,
        changes -> BigInt,
        weight -> BigInt,
    }
}

diesel::table! {
    incident_events (id) {
        id -> BigInt,
        incident -> BigInt,
        at -> BigInt,
        kind -> Text,
        delivery -> Nullable<BigInt>,
        occurrences -> BigInt,
        actor_kind -> Nullable<Text>,
        actor_id -> Nullable<Text>,
        actor_name -> Nullable<Text>,
        actor_role -> Nullable<Text>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
    }
}

diesel::table! {
    delivery_incidents (delivery, position) {
        delivery -> BigInt,
        position -> BigInt,
        organization -> BigInt,
        incident -> BigInt,
        status -> Text,
    }
}

diesel::table! {
    new_incidents (webhook) {
        webhook -> BigInt,
        minute -> BigInt,
        opened -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (webhook, key) {
        webhook -> BigInt,
        key -> Text,
        payload_digest -> Binary,
        delivery -> BigInt,
        incident -> BigInt,
        status -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    holdings (webhook) {
        webhook -> BigInt,
        bytes -> BigInt,
        deliveries -> BigInt,
        next -> BigInt,
        round_at -> BigInt,
    }
}

diesel::table! {
    counters (name) {
        name -> Text,
        next -> BigInt,
    }
}

diesel::table! {
    usage (webhook, step, at, code) {
        webhook -> BigInt,
        step -> BigInt,
        at -> BigInt,
        code -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    sources (webhook, day, source) {
        webhook -> BigInt,
        day -> BigInt,
        source -> Binary,
        address -> Binary,
        accepted -> BigInt,
        refused -> BigInt,
        first_at -> BigInt,
        last_at -> BigInt,
    }
}

diesel::table! {
    source_codes (webhook, day, source, code) {
        webhook -> BigInt,
        day -> BigInt,
        source -> Binary,
        code -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    known_sources (webhook, source) {
        webhook -> BigInt,
        source -> Binary,
        first_at -> BigInt,
        last_day -> BigInt,
    }
}

diesel::table! {
    settings (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    address_sets (id) {
        id -> BigInt,
        organization -> BigInt,
        name -> Text,
        provider -> Text,
        filter -> Text,
        url -> Nullable<Text>,
        version -> BigInt,
        networks -> BigInt,
        changed_at -> BigInt,
        pending -> Nullable<BigInt>,
        read_at -> Nullable<BigInt>,
        tried_at -> Nullable<BigInt>,
        fault -> Nullable<Text>,
        etag -> Nullable<Text>,
        revision -> BigInt,
        base -> Nullable<BigInt>,
    }
}

diesel::table! {
    address_set_versions (address_set, number) {
        address_set -> BigInt,
        number -> BigInt,
        state -> Text,
        made_at -> BigInt,
        made_by -> Text,
        count -> BigInt,
        added -> BigInt,
        removed -> BigInt,
        networks -> Text,
    }
}

diesel::table! {
    allowlist_sets (address_set, webhook) {
        address_set -> BigInt,
        webhook -> BigInt,
    }
}

diesel::joinable!(allowlist_sets -> webhooks (webhook));
diesel::joinable!(retired_urls -> webhooks (webhook));
diesel::joinable!(deliveries -> webhooks (webhook));
diesel::joinable!(incidents -> webhooks (webhook));
diesel::joinable!(new_incidents -> webhooks (webhook));
diesel::allow_tables_to_appear_in_same_query!(
    webhooks,
    tokens,
    retired_urls,
    deliveries,
    incidents,
    new_incidents,
    usage,
    allowlist_sets
);
