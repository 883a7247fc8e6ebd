//! Flashes: sentences about the last act.

/// The flash for the value of `done` in the redirect.
pub(super) fn flash_text(word: &str) -> Option<&'static str> {
    Some(match word {
        "url-live" => "That URL belongs to this webhook, and it works.",
        "url-retired" => "That URL belonged to this webhook. It no longer works.",
        "repeated" => "Already done. The second request changed nothing.",
        "edited" => "Changes saved.",
        "enforced" => "Allowlist enforced.",
        "set-created" => "Address set created.",
        "set-changed" => "Address set changed. In effect now in every allowlist that uses it.",
        "set-refreshed" => "Published list downloaded.",
        "set-approved" => "Version approved; in effect now.",
        "set-rejected" => "Version rejected; nothing changes.",
        "set-removed" => "Address set removed.",
        "revoked" => "Webhook revoked. All requests to it are now refused.",
        "acknowledged" => "Incident acknowledged.",
        "resolved" => "Incident resolved.",
        "reopened" => "Incident reopened.",
        "member-added" => "Member added. Now create a sign-in link for them.",
        "member-changed" => "Role changed.",
        "member-removed" => "Member removed.",
        "token-revoked" => "Token revoked.",
        "password-set" => "Password saved. Other sessions are signed out.",
        "session-ended" => "Session signed out.",
        _ => return None,
    })
}
