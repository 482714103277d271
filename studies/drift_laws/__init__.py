"""Planted drifts: are laws named, do rates cover, does the null stay silent, do schedules hold?

    python -m studies.drift_laws --sets 200 --refits 400 --seed 20265

*laws*, *null*, *rates* and *growth*: none, linear, saturating (an Ornstein-Uhlenbeck process set off at
rest) and step, 20 to 200 ragged conversations with random levels and drifts, correlated noise, a nugget and
missing values. *entropy*: a biased cycle of three states. *schedules*: reminders whose drift curves are
known. *correlates*: normal copulas. Every part has controls, wrong procedures that must fail. Rows are kept
in studies/results/drift_laws as soon as they are done; the same command continues where it was stopped, and
writes studies/results/drift_laws.md.
"""
