//! What a page says of the act that led to it.

/// What the last act came to, by the word in the redirect.
pub(super) fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "url-live" => "That URL belongs to this webhook, and it works.",
        "url-retired" => "That URL belonged to this webhook. It no longer works.",
        "repeated" => "This was already done. Nothing was done a second time.",
        "edited" => "Changes saved.",
        "enforced" => "The allowlist is enforced from now on.",
        "set-created" => "Address set created.",
        "set-changed" => "Address set changed, in every allowlist that uses it.",
        "set-refreshed" => "The published list was read.",
        "set-approved" => "Version approved; in effect now.",
        "set-rejected" => "Version rejected; nothing changes.",
        "set-removed" => "Address set removed.",
        "revoked" => "The webhook is revoked: every request to it is refused from now on.",
        "acknowledged" => "The incident is acknowledged.",
        "resolved" => "The incident is resolved.",
        "reopened" => "The incident is open again.",
        "member-added" => "Member added. Create a sign-in link to let them in.",
        "member-changed" => "Role changed.",
        "member-removed" => "Member removed.",
        "token-revoked" => "Token revoked.",
        "password-set" => "The password is set. Other sessions are signed out.",
        "session-ended" => "The session is signed out.",
        _ => return None,
    })
}
