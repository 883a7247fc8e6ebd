//! The tables about people.

diesel::table! {
    members (id) {
        id -> Text,
        organization -> BigInt,
        name -> Text,
        name_key -> Text,
        role -> Text,
        password -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        digest -> Binary,
        member -> Text,
        means -> Text,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        source -> Binary,
        user_agent -> Nullable<Text>,
        made_by -> Nullable<Text>,
        made_in -> Nullable<Text>,
    }
}

diesel::table! {
    tokens (id) {
        id -> Text,
        organization -> BigInt,
        digest -> Binary,
        name -> Text,
        role -> Text,
        owner -> Nullable<Text>,
        created_by -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        made_by -> Nullable<Text>,
        root -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_links (member) {
        member -> Text,
        digest -> Binary,
        created_at -> BigInt,
        made_by -> Nullable<Text>,
        made_in -> Nullable<Text>,
    }
}

diesel::table! {
    failed_sign_ins (member, session) {
        member -> Text,
        session -> Text,
        attempts -> BigInt,
        last_at -> BigInt,
        source -> Binary,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        organization -> BigInt,
        at -> BigInt,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Text,
        actor_role -> Nullable<Text>,
        source -> Nullable<Binary>,
        act -> Text,
        subject_id -> Text,
        subject_name -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        request_key -> Nullable<Text>,
        request_digest -> Nullable<Binary>,
        fold -> Nullable<Text>,
        attempts -> BigInt,
    }
}

diesel::table! {
    audit_holdings (actor, act) {
        actor -> Text,
        act -> Text,
        entries -> BigInt,
    }
}

diesel::joinable!(sessions -> members (member));
diesel::joinable!(tokens -> members (owner));
diesel::joinable!(sign_in_links -> members (member));
diesel::allow_tables_to_appear_in_same_query!(members, sessions, tokens, sign_in_links);
