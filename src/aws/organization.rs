//! Which accounts an organization has.

use super::s3::{AwsError, explain};
use super::session::{Account, Aws, HOME, client};
use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{AccountState, AccountStatus};
use std::collections::BTreeMap;

/// An account of the organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Twelve digits.
    pub id: String,
    /// What its owners call it.
    pub name: String,
    /// Whether it can be used; suspended ones cannot.
    pub active: bool,
}

impl Aws {
    /// All accounts of the organization, or those below some organizational units or roots.
    ///
    /// # Errors
    /// [`AwsError`] where Organizations cannot be asked: only the management account and delegated administrators may
    /// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>).
    pub fn members(&self, units: &[String]) -> Result<Vec<Member>, AwsError> {
        let own: Account = self.own();
        let client = client!(aws_sdk_organizations, own, HOME);
        let mut members = BTreeMap::new();
        self.runtime.block_on(async {
            if units.is_empty() {
                let mut pages = client.list_accounts().into_paginator().send();
                while let Some(page) = pages.next().await {
                    let page = page.map_err(|e| explain("organizations:ListAccounts", &e))?;
                    page.accounts().iter().for_each(|account| add(&mut members, account));
                }
            }
            let mut below = units.to_vec();
            while let Some(unit) = below.pop() {
                let what = format!("organizations:ListAccountsForParent of {unit}");
                let mut pages = client.list_accounts_for_parent().parent_id(&unit).into_paginator().send();
                while let Some(page) = pages.next().await {
                    let page = page.map_err(|e| explain(&what, &e))?;
                    page.accounts().iter().for_each(|account| add(&mut members, account));
                }
                below.extend(units_below(&client, &unit).await?);
            }
            Ok(members.into_values().collect())
        })
    }
}

async fn units_below(client: &Client, unit: &str) -> Result<Vec<String>, AwsError> {
    let what = format!("organizations:ListOrganizationalUnitsForParent of {unit}");
    let call = client.list_organizational_units_for_parent().parent_id(unit);
    let (mut pages, mut below) = (call.into_paginator().send(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| explain(&what, &e))?;
        below.extend(page.organizational_units().iter().filter_map(|unit| unit.id().map(str::to_owned)));
    }
    Ok(below)
}

fn add(members: &mut BTreeMap<String, Member>, account: &aws_sdk_organizations::types::Account) {
    let Some(id) = account.id() else { return };
    // Suspended and closing accounts take no role.
    // `State` took the place of `Status` in 2026; who answers may know but one of them.
    #[allow(deprecated, reason = "the older of two fields, for answers without the newer")]
    let active = match account.state() {
        Some(state) => *state == AccountState::Active,
        None => account.status() == Some(&AccountStatus::Active),
    };
    let name = account.name().unwrap_or_default().to_owned();
    members.insert(id.to_owned(), Member { id: id.to_owned(), name, active });
}
