//! What a change of the options does to the variants.
//!
//! Variants follow the options by what the form remembers of them: a value that took the place of
//! another is that value renamed, one that is gone takes its variants along, one that is new brings
//! its combinations. Combinations that staff took out on purpose do not come back by themselves.

use super::{
    fields::lines,
    form::{OPTIONS, ProductForm, VARIANTS},
    rows::{OptionRow, VariantRow},
};

/// The options would make more variants than a product may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl ProductForm {
    /// Adds an empty option.
    pub fn add_option(&mut self) {
        if self.options.len() < OPTIONS {
            self.options.push(OptionRow::default());
        }
    }

    /// Takes an option away; of variants that are then alike the first stays.
    pub fn remove_option(&mut self, place: usize) {
        if place >= self.options.len() {
            return;
        }
        self.options.remove(place);
        for variant in &mut self.variants {
            if place < variant.values.len() {
                variant.values.remove(place);
            }
        }
        self.only_one_of_each();
    }

    /// Takes a variant away. The last one stays, for a product is nothing without one.
    pub fn remove_variant(&mut self, place: usize) {
        if self.variants.len() > 1 && place < self.variants.len() {
            let gone = self.variants.remove(place);
            self.let_go(&gone);
        }
    }

    /// Whether the options are no longer those that the variants were made from.
    pub fn options_changed(&self) -> bool {
        self.options
            .iter()
            .any(|option| option.lines() != option.was)
            || self
                .variants
                .iter()
                .any(|variant| variant.values.len() != self.options.len())
    }

    /// The combinations that have no variant, in their order, at most [`VARIANTS`].
    pub fn missing(&self) -> Vec<Vec<String>> {
        if self.options.is_empty() || self.options_changed() {
            return Vec::new();
        }
        let missing = |values: &Vec<String>| !self.variants.iter().any(|v| v.values == *values);
        let all = combinations(
            &self
                .options
                .iter()
                .map(|o| o.was.clone())
                .collect::<Vec<_>>(),
        );
        all.unwrap_or_default()
            .into_iter()
            .filter(missing)
            .collect()
    }

    /// Adds the variant of a missing combination, by its title; all that are missing if it is
    /// empty.
    pub fn add_missing(&mut self, title: &str) {
        for values in self.missing() {
            if title.is_empty() || values.join(" / ") == title {
                let fresh = self.like_its_siblings(values);
                self.variants.push(fresh);
            }
        }
        self.sort();
    }

    /// Makes the variants follow the options.
    ///
    /// # Errors
    /// There would be too many; nothing is changed then.
    pub fn follow_options(&mut self) -> Result<(), TooMany> {
        self.options.retain(|option| {
            !option.name.is_empty() || !option.lines().is_empty() || !option.was.is_empty()
        });
        // An option without values is none: what is left of it would have nothing to choose.
        while let Some(place) = self
            .options
            .iter()
            .position(|option| option.lines().is_empty())
        {
            self.remove_option(place);
        }
        let values: Vec<Vec<String>> = self.options.iter().map(OptionRow::lines).collect();
        let all = combinations(&values).ok_or(TooMany)?;
        let renames: Vec<_> = self.options.iter().map(renamed).collect();

        let mut kept = Vec::new();
        for mut variant in std::mem::take(&mut self.variants) {
            let was = variant.values.clone();
            variant.values = Vec::new();
            for (place, values) in values.iter().enumerate() {
                let value = match was.get(place) {
                    // Of an option that is new, what there was has the first value.
                    None => values.first().cloned(),
                    Some(value) => renames[place]
                        .iter()
                        .find(|(from, _)| from == value)
                        .map(|(_, to)| to.clone())
                        .filter(|to| values.contains(to)),
                };
                variant.values.extend(value);
            }
            if variant.values.len() == values.len() {
                kept.push(variant);
            } else {
                variant.values = was;
                self.let_go(&variant);
            }
        }
        self.variants = kept;
        self.only_one_of_each();

        let fresh: Vec<Vec<String>> = self
            .options
            .iter()
            .zip(&renames)
            .map(|(option, renames)| {
                let values = option.lines().into_iter();
                match renames.is_empty() {
                    true => values.skip(1).collect(),
                    false => values
                        .filter(|v| !renames.iter().any(|(_, to)| to == v))
                        .collect(),
                }
            })
            .collect();
        let nothing_left = self.variants.is_empty();
        for values in all {
            let is_fresh = values
                .iter()
                .zip(&fresh)
                .any(|(value, fresh)| fresh.contains(value));
            let there = self.variants.iter().any(|variant| variant.values == values);
            if (is_fresh || nothing_left) && !there {
                let variant = self.like_its_siblings(values);
                self.variants.push(variant);
            }
        }
        for option in &mut self.options {
            option.was = option.lines();
            option.values = option.was.join("\n");
        }
        self.sort();
        Ok(())
    }

    /// A new variant that costs what its nearest sibling costs.
    fn like_its_siblings(&self, values: Vec<String>) -> VariantRow {
        let alike = |variant: &&VariantRow| {
            variant
                .values
                .iter()
                .zip(&values)
                .filter(|(a, b)| a == b)
                .count()
        };
        // Of those that are equally near the first.
        let sibling = self.variants.iter().rev().max_by_key(alike);
        let empty = Self::new().variants.remove(0);
        let sibling = sibling.unwrap_or(&empty);
        VariantRow {
            id: None,
            values,
            sku: String::new(),
            price: sibling.price.clone(),
            before: sibling.before.clone(),
            stock: sibling.stock,
            on_hand: String::new(),
            seen: String::new(),
        }
    }

    fn only_one_of_each(&mut self) {
        let mut kept: Vec<VariantRow> = Vec::new();
        for variant in std::mem::take(&mut self.variants) {
            if kept.iter().any(|other| other.values == variant.values) {
                self.let_go(&variant);
            } else {
                kept.push(variant);
            }
        }
        self.variants = kept;
    }

    fn let_go(&mut self, variant: &VariantRow) {
        if variant.id.is_some() {
            self.going.push(variant.title());
        }
    }

    /// In the order of the options' values, which is how the shop shows them.
    fn sort(&mut self) {
        let options = &self.options;
        self.variants.sort_by_cached_key(|variant| {
            let place = |(value, option): (&String, &OptionRow)| {
                option.was.iter().position(|known| known == value)
            };
            variant
                .values
                .iter()
                .zip(options)
                .map(place)
                .collect::<Vec<_>>()
        });
    }
}

/// Each value that was there and what it is now: itself, or what stands in its place if as many
/// values are there as before and neither name is known on the other side.
fn renamed(option: &OptionRow) -> Vec<(String, String)> {
    let now = lines(&option.values);
    let place_kept = now.len() == option.was.len();
    let known = |value: &String| option.was.contains(value);
    let mut renames = Vec::new();
    for (place, was) in option.was.iter().enumerate() {
        let to = match now.get(place) {
            _ if now.contains(was) => was,
            Some(instead) if place_kept && !known(instead) => instead,
            _ => continue,
        };
        renames.push((was.clone(), to.clone()));
    }
    renames
}

/// Every choice of one value of each; none if they are too many.
fn combinations(options: &[Vec<String>]) -> Option<Vec<Vec<String>>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for values in options {
        if all.len().checked_mul(values.len())? > VARIANTS {
            return None;
        }
        let longer = |chosen: &Vec<String>| {
            let chosen = chosen.clone();
            values
                .iter()
                .map(move |value| [chosen.as_slice(), std::slice::from_ref(value)].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::super::form::tests::{bowl, sent};
    use super::*;

    fn form() -> ProductForm {
        ProductForm::read(&sent(&ProductForm::of(&bowl(), "en")))
    }

    fn titles(form: &ProductForm) -> Vec<String> {
        form.variants.iter().map(VariantRow::title).collect()
    }

    fn kept(form: &ProductForm) -> usize {
        form.variants.iter().filter(|v| v.id.is_some()).count()
    }

    #[test]
    fn a_first_option_keeps_the_variant_that_was_there() {
        let mut form = ProductForm::new();
        form.variants[0].id = Some(techcommerce_kernel::Uuid::nil());
        form.variants[0].price = "12".into();
        form.add_option();
        form.options[0].name = "Size".into();
        form.options[0].values = "S\n\n M \nS\nL".into();
        assert!(form.options_changed());
        form.follow_options().unwrap();
        assert_eq!(titles(&form), ["S", "M", "L"]);
        assert!(form.variants[0].id.is_some());
        assert_eq!(
            (form.variants[2].id, form.variants[2].price.as_str()),
            (None, "12")
        );
        assert!(!form.options_changed());
    }

    #[test]
    fn a_second_option_multiplies_and_its_first_value_is_inherited() {
        let mut form = form();
        form.add_option();
        form.options[1].name = "Wood".into();
        form.options[1].values = "Oak\nAsh".into();
        form.follow_options().unwrap();
        assert_eq!(
            titles(&form),
            ["Small / Oak", "Small / Ash", "Large / Oak", "Large / Ash"]
        );
        assert_eq!(kept(&form), 2);
        assert!(form.variants[0].id.is_some() && form.variants[2].id.is_some());
        form.remove_option(1);
        assert_eq!(titles(&form), ["Small", "Large"]);
        assert_eq!(kept(&form), 2);
        assert!(form.going.is_empty());
    }

    #[test]
    fn a_value_in_the_place_of_another_is_the_other_renamed() {
        let mut form = form();
        form.options[0].values = "Small\nHuge".into();
        form.follow_options().unwrap();
        assert_eq!(titles(&form), ["Small", "Huge"]);
        assert_eq!(kept(&form), 2);
        // Turned around they are the same two, in the other order.
        form.options[0].values = "Huge\nSmall".into();
        form.follow_options().unwrap();
        assert_eq!(titles(&form), ["Huge", "Small"]);
        assert_eq!(kept(&form), 2);
    }

    #[test]
    fn a_value_that_is_gone_takes_its_variant_along_and_says_so() {
        let mut form = form();
        form.options[0].values = "Large".into();
        form.follow_options().unwrap();
        assert_eq!(titles(&form), ["Large"]);
        assert_eq!(form.going, ["Small"]);
    }

    #[test]
    fn what_was_taken_out_on_purpose_does_not_come_back() {
        let mut form = form();
        form.add_option();
        form.options[1].name = "Wood".into();
        form.options[1].values = "Oak\nAsh".into();
        form.follow_options().unwrap();
        form.remove_variant(1);
        assert_eq!(form.missing(), [["Small", "Ash"]]);
        form.options[0].values = "Small\nLarge\nHuge".into();
        form.follow_options().unwrap();
        assert_eq!(
            titles(&form),
            [
                "Small / Oak",
                "Large / Oak",
                "Large / Ash",
                "Huge / Oak",
                "Huge / Ash"
            ]
        );
        form.add_missing("Small / Ash");
        assert_eq!(titles(&form)[1], "Small / Ash");
        assert!(form.missing().is_empty());
    }

    #[test]
    fn too_many_are_refused_and_nothing_is_lost() {
        let mut form = form();
        form.add_option();
        form.options[1].name = "N".into();
        form.options[1].values = (0..1025).map(|n| format!("{n}\n")).collect();
        assert_eq!(form.follow_options(), Err(TooMany));
        assert_eq!(form.variants.len(), 2);
    }

    #[test]
    fn a_list_of_another_length_with_other_values_makes_new_variants() {
        let mut form = form();
        form.options[0].values = "1\n2\n3".into();
        form.follow_options().unwrap();
        assert_eq!(titles(&form), ["1", "2", "3"]);
        assert_eq!(kept(&form), 0);
        assert_eq!(form.going, ["Small", "Large"]);
    }

    #[test]
    fn the_last_variant_stays() {
        let mut form = form();
        form.remove_variant(0);
        form.remove_variant(0);
        assert_eq!(titles(&form), ["Large"]);
        assert_eq!(form.going, ["Small"]);
    }
}
