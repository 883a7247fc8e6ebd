//! `/members`: the members of the organization.

use hookgate_domain::Timestamp;
use hookgate_gate::{KnownWebhook, KnownWebhooks, PageSize, PeopleError, PeopleStore, Store};
use hookgate_pages::{Confirm, MemberRow, Members, Problem, SignInLinkMade, UserText, counted};
use hookgate_people::{Member, MemberError, MemberId, MemberName, Permission, Role, SIGN_IN_LINK_LIFE};
use zeroize::Zeroizing;

use super::answers::{page, problems, re_render};
use super::confirm;
use super::once::Done;
use super::page_context::PageContext;
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields, path_id};
use hookgate_transport::Reply;
use hookgate_wire as wire;

/// Shows the list.
pub(super) async fn list<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    page(model(context).await?.render())
}

/// Shows the list with the form of a new member as it was typed.
pub(super) async fn restore<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    page(typed(context, fields, Vec::new()).await?.render())
}

/// Adds a member.
pub(super) async fn add<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let added = context.once(fields, async |actor| -> Result<_, ApiError> {
        let (name, role) = read(fields)?;
        Ok(context.gate().member_add(actor, name, role, None).await?)
    });
    match added.await? {
        Done::Now(_) => Ok(html::see_other("/members?done=member-added")),
        Done::Before(_) => Ok(context.done_already("/members")),
        Done::Refused(fault) => {
            let problems = problems_at(fault, "name")?;
            re_render(typed(context, fields, problems).await?.render())
        }
    }
}

fn read(fields: &Fields<'_>) -> Result<(MemberName, Role), ApiError> {
    fields.complete(&["name", "role"], &[])?;
    let name = fields.required("name", "a name of 1 to 100 characters is needed")?;
    Ok((name, fields.required("role", "choose a role")?))
}

async fn typed<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
    problems: Vec<Problem>,
) -> Result<Members, ApiError> {
    let model = model(context).await?;
    Ok(Members {
        problems,
        name: fields.text("name").to_owned(),
        role: fields.get("role").map_or(model.role, str::to_owned),
        ..model
    })
}

/// Changes a role, if the member still has the role that the page showed.
pub(super) async fn role<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let id: MemberId = path_id(id)?;
    fields.complete(&["role", "was"], &[])?;
    let role: Role = fields.required("role", "choose a role")?;
    let was = fields.required("was", "load the page again")?;
    let changed = context
        .gate()
        .member_set_role(&context.signed_in.actor, id, role, Some(was))
        .await;
    match changed {
        Ok(_) => Ok(html::see_other("/members?done=member-changed")),
        Err(PeopleError::Member(MemberError::Changed)) => {
            let member = context
                .gate()
                .store()
                .member_by_id(id)
                .await?
                .ok_or(ErrorCode::NotFound)?;
            // Two people made the same choice, or one person clicked twice.
            if member.role == role {
                return Ok(html::see_other("/members?done=member-changed"));
            }
            let reason = format!(
                "someone else changed the role of {} to {} in the meantime. Choose again if it should be {role}",
                member.name, member.role
            );
            refused(context, ApiError::conflict(reason)).await
        }
        Err(error) => refused(context, error.into()).await,
    }
}

/// Creates a one-time sign-in link. The next page shows it, once.
pub(super) async fn link<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let member = find(context, id).await?;
    let page = format!("/members/{}/link", member.id);
    let made = context.once(fields, async |actor| {
        context.gate().sign_in_link(actor, Some(&member.name)).await
    });
    match made.await? {
        Done::Now((secret, link, _)) => {
            let url = Zeroizing::new(wire::sign_in_url(context.console.host.origin(), &secret));
            let until = link.created_at.after(SIGN_IN_LINK_LIFE).as_micros().to_string();
            context.show_once(&page, &[&url, &until])
        }
        Done::Before(_) => Ok(context.done_already(&page)),
        Done::Refused(error) => refused(context, error.into()).await,
    }
}

/// Shows the list with a new sign-in link, once.
pub(super) async fn shown<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManagePeople)?;
    let member = find(context, id).await?;
    let link = context.shown_once().and_then(|values| {
        let until = values.get(1)?.parse().ok()?;
        Some((values.first()?.as_str().into(), Timestamp::from_micros(until)))
    });
    let made = SignInLinkMade {
        member: member.name.as_str().into(),
        link,
    };
    let model = Members {
        link: Some(made),
        ..model(context).await?
    };
    context.once_page(model.render())
}

/// Removes a member, after a confirmation.
pub(super) async fn remove<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let member = find(context, id).await?;
    context.signed_in.require(Permission::ManagePeople)?;
    if !confirm::is_given(fields) {
        let known = context
            .gate()
            .member_known(&context.signed_in.actor, member.id)
            .await?;
        let title = format!("Remove {}?", member.name);
        let action = format!("/members/{id}/remove");
        let confirm = Confirm {
            consequences: consequences(&known),
            affected: known.webhooks.iter().map(affected).collect(),
            ..confirm::question(context, title, "Remove member", action, "/members")
        };
        return page(confirm.render());
    }
    match context
        .gate()
        .member_remove(&context.signed_in.actor, member.id)
        .await
        .map_err(ApiError::from)
    {
        Ok(_) => Ok(html::see_other("/members?done=member-removed")),
        Err(fault) => refused(context, fault).await,
    }
}

/// Effects of a removal, and their limits.
fn consequences(known: &KnownWebhooks) -> Vec<UserText> {
    let mut consequences = vec![
        "All sessions of this member end immediately.".into(),
        "All API tokens that this member created stop working immediately.".into(),
        "The member's events stay in the audit trail.".into(),
    ];
    consequences.push(match known.count {
        0 => "No URL or signing secret that is still in use was shown to this member.".into(),
        many => format!(
            "This member was shown the URL or signing secret of {}. These URLs keep working and are marked. Regenerate them.",
            counted(many, "webhook")
        )
        .into(),
    });
    if known.others_unknown {
        consequences.push("Some URLs are older than these records. This member may know them too.".into());
    }
    consequences
}

/// The page of a webhook whose URL or signing secret the member was shown, and a text about it.
fn affected(webhook: &KnownWebhook) -> (String, UserText) {
    let what = match (webhook.url, webhook.signing_secret) {
        (true, true) => "URL and signing secret",
        (false, true) => "signing secret",
        _ => "URL",
    };
    let text = format!("{} ({}…): {what}", webhook.name, webhook.hint);
    (format!("/webhooks/{}", webhook.handle), text.into())
}

/// Shows the list again, with the reason for which nothing was changed.
async fn refused<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fault: ApiError,
) -> Result<Reply, ApiError> {
    let problems = problems_at(fault, "")?;
    re_render(
        Members {
            problems,
            ..model(context).await?
        }
        .render(),
    )
}

/// Problems that a person can fix, at their field. Other errors are returned, for an error page.
fn problems_at(fault: ApiError, field: &str) -> Result<Vec<Problem>, ApiError> {
    if fault.code == ErrorCode::Conflict {
        return Ok(vec![Problem {
            field: field.to_owned(),
            message: fault.sentence().into(),
        }]);
    }
    problems(fault)
}

async fn find<S: Store + PeopleStore>(context: &PageContext<'_, S>, id: &str) -> Result<Member, ApiError> {
    let found = context.gate().store().member_by_id(path_id(id)?).await?;
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

async fn model<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Members, ApiError> {
    let own = &context.signed_in.member;
    let may_manage = context.signed_in.may(Permission::ManagePeople);
    let members = context.gate().store().member_page(None, PageSize::MAX).await?;
    let mut rows = Vec::with_capacity(members.len());
    for member in &members {
        let sessions = context.gate().store().sessions_for_member(member.id).await?;
        rows.push(MemberRow {
            id: member.id.to_string(),
            name: member.name.as_str().into(),
            role: member.role.as_str().to_owned(),
            since: member.created_at,
            last_seen: sessions.iter().map(|session| session.last_seen_at).max(),
            is_you: member.id == own.id,
            may_change: may_manage && member.check_changeable(own.role).is_ok(),
        });
    }
    Ok(Members {
        shell: context.shell(),
        rows,
        roles: roles_up_to(own.role),
        name: String::new(),
        role: Role::Viewer.as_str().to_owned(),
        problems: Vec::new(),
        link: None,
    })
}

/// Roles that a member with `role` may give.
pub(super) fn roles_up_to(role: Role) -> Vec<String> {
    let given = Role::ALL.into_iter().filter(|given| *given <= role);
    given.map(|role| role.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests;
