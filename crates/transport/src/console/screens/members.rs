//! `/members`: who belongs to the organization.

use hookgate_domain::{Member, MemberId, MemberName, Permission, Role, SIGN_IN_LINK_LIFE};
use hookgate_gate::{PageSize, PeopleStore, Store};
use hookgate_pages::{Confirm, MemberRow, Members, Problem, SignInLinkMade};

use super::{Screen, again, page, problems};
use crate::console::fault::{Code, Fault};
use crate::console::html;
use crate::console::query::Fields;
use crate::reply::Reply;
use crate::wire;

/// The list.
pub(super) async fn list<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Reply, Fault> {
    page(model(screen).await?.render())
}

/// A new member.
pub(super) async fn add<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    let name = fields.read::<MemberName>("name").and_then(|name| {
        name.ok_or_else(|| Fault::field("name", "required", "a name of 1 to 100 characters is needed"))
    });
    let role = fields
        .read::<Role>("role")
        .and_then(|role| role.ok_or_else(|| Fault::field("role", "required", "choose a role")));
    let added = match name.and_then(|name| Ok((name, role?))) {
        Ok((name, role)) => screen
            .gate()
            .member_add(&screen.visitor.acting, name, role, None)
            .await
            .map_err(Fault::from),
        Err(fault) => Err(fault),
    };
    match added {
        Ok(_) => Ok(html::see_other("/members?done=member-added")),
        Err(fault) => {
            let problems = told(fault, "name")?;
            again(
                Members {
                    problems,
                    name: fields.get("name").unwrap_or_default().to_owned(),
                    ..model(screen).await?
                }
                .render(),
            )
        }
    }
}

/// Another role.
pub(super) async fn role<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    let id = read_id(id)?;
    let role = fields
        .read::<Role>("role")?
        .ok_or_else(|| Fault::field("role", "required", "choose a role"))?;
    let changed = screen
        .gate()
        .member_set_role(&screen.visitor.acting, id, role)
        .await;
    match changed.map_err(Fault::from) {
        Ok(_) => Ok(html::see_other("/members?done=member-changed")),
        Err(fault) => refused(screen, fault).await,
    }
}

/// A one-time sign-in link, shown once.
pub(super) async fn link<S: Store + PeopleStore>(screen: &Screen<'_, S>, id: &str) -> Result<Reply, Fault> {
    let member = find(screen, id).await?;
    let made = screen
        .gate()
        .sign_in_link(&screen.visitor.acting, Some(&member.name))
        .await;
    let (secret, link, member) = match made.map_err(Fault::from) {
        Ok(made) => made,
        Err(fault) => return refused(screen, fault).await,
    };
    let url = wire::sign_in_url(screen.console.host.origin(), &secret);
    let made = SignInLinkMade {
        member: member.name.as_str().into(),
        url: url.into(),
        expires_at: link.created_at.after(SIGN_IN_LINK_LIFE),
    };
    page(
        Members {
            link: Some(made),
            ..model(screen).await?
        }
        .render(),
    )
}

/// Removes a member, after asking once more.
pub(super) async fn remove<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    id: &str,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    let member = find(screen, id).await?;
    screen.visitor.require(Permission::ManagePeople)?;
    if !fields.is_set("confirm") {
        let confirm = Confirm {
            shell: screen.shell(),
            title: format!("Remove {}?", member.name),
            consequences: vec![
                "Every session of this member ends at once.".into(),
                "Every API token that this member made is dead at once.".into(),
                "What the member did stays in the audit trail.".into(),
            ],
            action: format!("/members/{id}/remove"),
            fields: vec![("confirm".to_owned(), "yes".to_owned())],
            button: "Remove the member".to_owned(),
            back: "/members".to_owned(),
        };
        return page(confirm.render());
    }
    match screen
        .gate()
        .member_remove(&screen.visitor.acting, member.id)
        .await
        .map_err(Fault::from)
    {
        Ok(_) => Ok(html::see_other("/members?done=member-removed")),
        Err(fault) => refused(screen, fault).await,
    }
}

/// The list again, with why something could not be done.
async fn refused<S: Store + PeopleStore>(screen: &Screen<'_, S>, fault: Fault) -> Result<Reply, Fault> {
    let problems = told(fault, "")?;
    again(
        Members {
            problems,
            ..model(screen).await?
        }
        .render(),
    )
}

/// What a person can mend, at the field; anything else is a page of its own.
fn told(fault: Fault, field: &str) -> Result<Vec<Problem>, Fault> {
    if fault.code == Code::Conflict {
        return Ok(vec![Problem {
            field: field.to_owned(),
            message: fault.sentence().into(),
        }]);
    }
    problems(fault)
}

async fn find<S: Store + PeopleStore>(screen: &Screen<'_, S>, id: &str) -> Result<Member, Fault> {
    let found = screen.gate().store().member_by_id(read_id(id)?).await?;
    found.ok_or_else(|| Code::NotFound.into())
}

fn read_id(id: &str) -> Result<MemberId, Fault> {
    id.parse().map_err(|_| Code::NotFound.into())
}

async fn model<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Members, Fault> {
    let own = &screen.visitor.member;
    let may_manage = screen.visitor.may(Permission::ManagePeople);
    let members = screen.gate().member_list(None, PageSize::MAX).await?;
    let mut rows = Vec::with_capacity(members.len());
    for member in &members {
        let sessions = screen.gate().store().sessions_of(member.id).await?;
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
        shell: screen.shell(),
        rows,
        roles: roles_up_to(own.role),
        name: String::new(),
        problems: Vec::new(),
        link: None,
    })
}

/// The roles that somebody with this one may give.
pub(super) fn roles_up_to(role: Role) -> Vec<String> {
    let given = Role::ALL.into_iter().filter(|given| *given <= role);
    given.map(|role| role.as_str().to_owned()).collect()
}
