(* The minimax barrier between two networks, from a certificate of each half. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Bool Permutation.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Check Isthmus.Path.
Import ListNotations.
Open Scope R_scope.

(* a continuous path in the ball from A to B (up to the order of B's neurons unless lab) *)
Definition connects (m d : nat) (lab : bool) (ball : balls) (A B : endpoint)
    (W : R -> nat -> rvec) (a : R -> nat -> R) : Prop :=
  is_path m d W a /\ (forall t, 0 <= t <= 1 -> in_ball m d ball (W t) (a t)) /\ is_net m d A (W 0) (a 0) /\
  exists s, renaming lab m s /\ is_net m d B (fun j => W 1 (s j)) (fun j => a 1 (s j)).

Definition barrier_within X y m d lab ball A B (lower upper : R) : Prop :=
  (forall W a, connects m d lab ball A B W a -> exists t, 0 <= t <= 1 /\ loss X y m (W t) (a t) >= lower) /\
  (exists W a, connects m d lab ball A B W a /\ forall t, 0 <= t <= 1 -> loss X y m (W t) (a t) <= upper).

Definition Q_eqb (p q : Q) : bool := Z.eqb (Qnum p) (Qnum q) && Pos.eqb (Qden p) (Qden q).
Definition neuron_eqb (u v : list Q * Q) : bool := list_eqb Q_eqb (fst u) (fst v) && Q_eqb (snd u) (snd v).

Definition check_exact X y m d lab ball bn bd un ud (A B : endpoint) (C : cert) (l : list endpoint) (B' : endpoint) : bool :=
  check_barrier X y m d lab ball bn bd false A B C && Z.ltb 0 bd && Z.ltb 0 ud &&
  check_path X y m d ball (un # (Z.to_pos ud)) A l B' &&
  (if lab then list_eqb neuron_eqb B B' else permb _ neuron_eqb B B').

Lemma neuron_eqb_eq : forall u v, neuron_eqb u v = true -> u = v.
Proof.
  assert (E : forall p q, Q_eqb p q = true -> p = q).
  { intros [p p'] [q q'] H. apply andb_prop in H as [H1 H2]. apply Z.eqb_eq in H1. apply Pos.eqb_eq in H2. simpl in *. congruence. }
  intros [u a] [v b] H. apply andb_prop in H as [H1 H2]. apply (list_eqb_eq _ _ E) in H1. apply E in H2. simpl in *. congruence.
Qed.

Theorem barrier_exact : forall X y m d lab ball bn bd un ud A B C l B',
  check_exact X y m d lab ball bn bd un ud A B C l B' = true ->
  barrier_within X y m d lab ball A B (IZR bn / IZR bd) (IZR un / IZR ud).
Proof.
  intros X y m d lab ball bn bd un ud A B C l B' H. unfold check_exact in H. rewrite !andb_true_iff in H.
  destruct H as [[[[H1 _] H2] H3] H4]. split.
  - intros W a (P & G & HA & HB). apply (barrier_lower_bound X y m d lab ball bn bd A B C H1 W a P G HA HB).
  - destruct (barrier_upper_bound X y m d ball _ A l B' H3) as (W & a & P & HA & HB & G).
    exists W, a. split.
    2:{ intros t Ht. destruct (G t Ht) as [_ L]. apply Z.ltb_lt in H2. unfold Q2R in L. simpl in L.
        rewrite Z2Pos.id in L by auto. exact L. }
    split; [exact P|]. split; [intros t Ht; apply G; auto|]. split; [exact HA|].
    assert (LB : length B = m).
    { unfold check_barrier, check_cut in H1. rewrite !andb_true_iff in H1. destruct H1 as [_ [[H1 _] _]]. apply Nat.eqb_eq; auto. }
    assert (E : exists f g, Bij m f g /\ (lab = true -> forall x, f x = x) /\
                forall x, (x < m)%nat -> nth x B ([], 0%Q) = nth (f x) B' ([], 0%Q)).
    { destruct lab.
      - apply (list_eqb_eq _ _ neuron_eqb_eq) in H4. subst B'. exists (fun x => x), (fun x => x).
        split; [apply Bij_id|]. auto.
      - apply (permb_perm _ _ neuron_eqb_eq) in H4. apply Permutation_sym in H4.
        assert (L' : length B' = m) by (rewrite (Permutation_length H4); exact LB).
        apply (Permutation_Bij _ ([], 0%Q)) in H4 as (f & g & Bf & E). exists f, g.
        split; [rewrite <- L'; exact Bf|]. split; [discriminate|]. intros x Hx. apply E. rewrite L'. exact Hx. }
    destruct E as (f & g & Bf & If & E). exists f. split; [split; [|split]|].
    + intros j Hj. apply (Bf j Hj).
    + intros i j Hi Hj Eq. destruct (Bf i Hi) as (_ & _ & E1 & _). destruct (Bf j Hj) as (_ & _ & E2 & _). congruence.
    + intros Hl j _. auto.
    + intros j Hj. destruct (Bf j Hj) as (Fj & _). destruct (HB (f j) Fj) as [Q1 Q2].
      unfold qa, qW in *. rewrite (E j Hj). split; auto.
Qed.
