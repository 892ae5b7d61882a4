//! Two people at the same product: what the other saved meanwhile is taken over where this one
//! edited nothing, and told where both did.

use techcommerce_contracts::product_api::Product;

use super::{
    fields::mark,
    form::ProductForm,
    rows::{VariantRow, row_of},
};

/// What somebody else changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The part, as `title`; `variants` has a line for each variant.
    pub part: &'static str,
    /// What it is now, as the database has it; for a variant its title first.
    pub theirs: String,
    /// Whether this one edited it as well, so that saving again takes theirs back.
    pub both: bool,
}

/// The parts that are a text in the form.
const TEXTS: [&str; 7] = [
    "title",
    "handle",
    "description",
    "vendor",
    "category",
    "tags",
    "status",
];

impl ProductForm {
    /// Brings in what the product has become meanwhile, and tells it. Afterwards the form is one of
    /// the product as it is now: saved again, it keeps what was typed.
    pub fn merge(&mut self, now: &Product, language: &str) -> Vec<Difference> {
        let fresh = Self::of(now, language);
        let mut differences = Vec::new();
        for part in TEXTS {
            if fresh.seen.get(part) == self.seen.get(part) {
                continue;
            }
            let both = self.changed(part) && text(self, part) != text(&fresh, part);
            differences.push(Difference {
                part,
                theirs: text(&fresh, part),
                both,
            });
            if !both {
                take(self, &fresh, part);
            }
        }
        if fresh.seen.get("pictures") != self.seen.get("pictures") {
            let both = self.changed("pictures");
            let theirs = fresh.pictures.len().to_string();
            if both {
                // What was waited for and has come is among theirs, under a key of its own.
                let known = |key: &str| fresh.pictures.iter().any(|p| p.key == key);
                self.pictures.retain(|p| p.id.is_some() || known(&p.key));
                // What was added meanwhile stays; the order is this one's.
                let missing = fresh
                    .pictures
                    .iter()
                    .filter(|p| !self.pictures.iter().any(|m| m.key == p.key));
                let missing: Vec<_> = missing.cloned().collect();
                self.pictures.extend(missing);
            } else {
                self.pictures.clone_from(&fresh.pictures);
            }
            differences.push(Difference {
                part: "pictures",
                theirs,
                both,
            });
        }
        if fresh.seen.get("variants") != self.seen.get("variants") {
            self.merge_variants(now, &fresh, language, &mut differences);
        }
        self.version = fresh.version;
        self.seen = fresh.seen;
        for row in &mut self.variants {
            let there = fresh
                .variants
                .iter()
                .find(|f| f.id.is_some() && f.id == row.id);
            row.seen = there.map(|f| f.seen.clone()).unwrap_or_default();
        }
        differences
    }

    fn merge_variants(
        &mut self,
        now: &Product,
        fresh: &Self,
        language: &str,
        differences: &mut Vec<Difference>,
    ) {
        if !self.changed("variants") {
            self.options.clone_from(&fresh.options);
            self.variants.clone_from(&fresh.variants);
            differences.push(Difference {
                part: "variants",
                theirs: describe_all(fresh),
                both: false,
            });
            return;
        }
        let shape =
            |form: &Self| -> Vec<String> { form.options.iter().map(|o| o.name.clone()).collect() };
        let same_shape = shape(self) == shape(fresh);
        for variant in &now.variants {
            let theirs = row_of(variant, language);
            let canonical = mark(&theirs.canonical());
            let taken = self.going.contains(&theirs.title())
                || self.variants.iter().any(|row| row.values == theirs.values);
            let mine = self.variants.iter_mut().find(|row| row.id == theirs.id);
            match mine {
                Some(mine) if mine.seen != canonical => {
                    let edited = mark(&mine.canonical()) != mine.seen;
                    differences.push(Difference {
                        part: "variants",
                        theirs: describe(&theirs),
                        both: edited,
                    });
                    if !edited && same_shape {
                        let on_hand = mine.on_hand.clone();
                        *mine = VariantRow { on_hand, ..theirs };
                    }
                }
                Some(_) => {}
                // One that this form does not know: it would go when the form is saved.
                None if same_shape && !taken => {
                    differences.push(Difference {
                        part: "variants",
                        theirs: describe(&theirs),
                        both: false,
                    });
                    self.variants.push(theirs);
                }
                None => {}
            }
        }
        // One that is gone can only be made anew.
        for row in &mut self.variants {
            if row.id.is_some()
                && !now
                    .variants
                    .iter()
                    .any(|variant| Some(variant.id) == row.id)
            {
                row.id = None;
            }
        }
    }
}

fn describe(row: &VariantRow) -> String {
    let parts = [
        row.title(),
        row.sku.clone(),
        row.price.clone(),
        row.before.clone(),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn describe_all(form: &ProductForm) -> String {
    const MOST: usize = 5;
    let mut all: Vec<_> = form.variants.iter().take(MOST).map(describe).collect();
    if form.variants.len() > MOST {
        all.push("…".into());
    }
    all.join("; ")
}

fn text(form: &ProductForm, part: &str) -> String {
    match part {
        "title" => form.title.clone(),
        "handle" => form.handle.clone(),
        "description" => form.description.clone(),
        "vendor" => form.vendor.clone(),
        "category" => form.category.clone(),
        "tags" => form.tag_list().join(", "),
        _ => form.status.name().to_owned(),
    }
}

fn take(form: &mut ProductForm, fresh: &ProductForm, part: &str) {
    match part {
        "title" => form.title.clone_from(&fresh.title),
        "handle" => form.handle.clone_from(&fresh.handle),
        "description" => form.description.clone_from(&fresh.description),
        "vendor" => form.vendor.clone_from(&fresh.vendor),
        "category" => form.category.clone_from(&fresh.category),
        "tags" => form.tags.clone_from(&fresh.tags),
        _ => form.status = fresh.status,
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::tests::{bowl, sent};
    use super::*;

    fn form() -> ProductForm {
        ProductForm::read(&sent(&ProductForm::of(&bowl(), "en")))
    }

    fn theirs() -> Product {
        let mut now = bowl();
        now.version = 5;
        now
    }

    #[test]
    fn what_only_the_other_changed_is_taken_over() {
        let mut mine = form();
        mine.title = "My bowl".into();
        let mut now = theirs();
        now.vendor = "Their vendor".into();
        now.variants[1].price.amount = 3500;
        let found = mine.merge(&now, "en");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|difference| !difference.both));
        assert_eq!(
            (mine.title.as_str(), mine.vendor.as_str()),
            ("My bowl", "Their vendor")
        );
        assert_eq!(mine.variants[1].price, "35.00");
        assert_eq!(mine.version, 5);
        let edited: Vec<_> = mine
            .parts()
            .into_iter()
            .map(|(part, _)| part)
            .filter(|part| mine.changed(part))
            .collect();
        assert_eq!(edited, ["title"]);
    }

    #[test]
    fn where_both_were_at_work_mine_stays_and_theirs_is_told() {
        let mut mine = form();
        mine.title = "My bowl".into();
        mine.variants[0].price = "31".into();
        let mut now = theirs();
        now.title = "Their bowl".into();
        now.variants[0].price.amount = 3200;
        let found = mine.merge(&now, "en");
        assert_eq!(
            found[0],
            Difference {
                part: "title",
                theirs: "Their bowl".into(),
                both: true
            }
        );
        assert_eq!(found[1].theirs, "Small · BOWL · 32.00 · 40.00");
        assert!(found[1].both);
        assert_eq!(
            (mine.title.as_str(), mine.variants[0].price.as_str()),
            ("My bowl", "31")
        );
        assert!(mine.changed("title") && mine.changed("variants"));
        // A second time there is nothing new to tell.
        assert!(mine.merge(&now, "en").is_empty());
    }

    #[test]
    fn a_picture_that_was_fetched_meanwhile_is_there_once() {
        let mut mine = form();
        mine.move_picture(&mine.pictures[0].key.clone(), 1);
        let mut now = theirs();
        now.images[1].id = Some("0193a1b2-0000-7000-8000-00000000000b".parse().unwrap());
        now.images[1].source_url = None;
        let found = mine.merge(&now, "en");
        assert!(found[0].both && found[0].part == "pictures");
        let ids: Vec<_> = mine.pictures.iter().map(|picture| picture.id).collect();
        assert_eq!(ids, [now.images[0].id, now.images[1].id]);
    }

    #[test]
    fn a_variant_that_came_or_went_meanwhile() {
        let mut mine = form();
        mine.variants[0].price = "31".into();
        let mut now = theirs();
        let mut huge = now.variants[1].clone();
        huge.id = "0193a1b2-0000-7000-8000-000000000003".parse().unwrap();
        huge.options[0].value = "Huge".into();
        now.variants[0] = huge;
        let found = mine.merge(&now, "en");
        assert_eq!(found.len(), 1);
        assert_eq!(
            mine.variants.len(),
            3,
            "mine, the one both know, and the new one"
        );
        assert_eq!(mine.variants[0].id, None, "what is gone is made anew");
    }
}
