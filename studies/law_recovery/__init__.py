"""Are planted thresholds, exponents, loops, alarms and verdicts found? Simulated sweeps of known truth.

    python -m studies.law_recovery --sweeps 500 --refits 300 --seed 20264

Every row of every part is kept in studies/results/law_recovery as soon as it is done; the same command
continues where it was stopped, and writes docs/recovery.md from what is there.
"""
