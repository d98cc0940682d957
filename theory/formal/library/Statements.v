(* Least loss and components for rational data, as the generated files state them. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Rational
  Isthmus.Cover Isthmus.Components Isthmus.Labelled.
Import ListNotations.
Open Scope R_scope.

Section Statements.
Variable XQ : list (list Q).
Variable yQ : list Q.
Variable m d : nat.
Variable ball : balls.

(* the least loss of networks of m neurons, in the ball, is between these *)
Definition least_within (lower upper : R) : Prop :=
  (forall W a, in_ball m d ball W a -> lossq XQ yQ m W a >= lower) /\
  exists W a, in_ball m d ball W a /\ lossq XQ yQ m W a <= upper.
Definition is_least (b : R) : Prop := least_within b b.

(* a path of loss <= b, in the ball, from (W, a), its neurons in some order unless lab, to the network A *)
Definition linkedq (lab : bool) (b : R) (W : nat -> rvec) (a : nat -> R) (A : endpoint) : Prop :=
  exists f g V v, Bij m f g /\ (lab = true -> forall j, (j < m)%nat -> g j = j) /\ is_path m d V v /\
    eqnet m d (V 0) (v 0) (fun j => W (g j)) (fun j => a (g j)) /\ eqnet m d (V 1) (v 1) (W_of A) (a_of A) /\
    forall t, 0 <= t <= 1 -> in_ball m d ball (V t) (v t) /\ lossq XQ yQ m (V t) (v t) <= b.

(* every network of loss <= b leads to one of those listed, and no two of these lead to each other *)
Definition are_components (lab : bool) (b : R) (reps : list endpoint) : Prop :=
  (forall A, In A reps -> in_ball m d ball (W_of A) (a_of A) /\ lossq XQ yQ m (W_of A) (a_of A) <= b) /\
  (forall W a, in_ball m d ball W a -> lossq XQ yQ m W a <= b -> exists A, In A reps /\ linkedq lab b W a A) /\
  (forall i j, (i < length reps)%nat -> (j < length reps)%nat -> i <> j ->
     ~ linkedq lab b (W_of (nth i reps [])) (a_of (nth i reps [])) (nth j reps [])).
End Statements.

Lemma lossq_nonneg : forall XQ yQ m W a, 0 <= lossq XQ yQ m W a.
Proof.
  intros XQ yQ m W a. unfold lossq. assert (H : 0 <= sqerrq (netq m W a) XQ yQ); [|lra].
  revert yQ. induction XQ as [|x XQ IH]; intros [|v yQ]; cbn [sqerrq]; try lra.
  specialize (IH yQ). pose proof (pow2_ge_0 (netq m W a x - Q2R v)). lra.
Qed.

Lemma scaled_pos : forall D XQ yQ X y, scaled D XQ yQ X y = true -> IZR D > 0.
Proof.
  intros D XQ yQ X y H. unfold scaled in H. rewrite !andb_true_iff in H. destruct H as [[H _] _].
  apply Z.ltb_lt, IZR_lt in H. auto.
Qed.

(* a level in the units of the integer data, and of the problem's *)
Lemma loss_level : forall D XQ yQ X y m bn bd, scaled D XQ yQ X y = true -> (0 < bd)%Z -> forall W a,
  loss X y m W a <= IZR bn / IZR bd <-> lossq XQ yQ m W a <= IZR bn / (IZR bd * IZR D * IZR D).
Proof.
  intros D XQ yQ X y m bn bd HS Hbd W a. pose proof (scaled_pos _ _ _ _ _ HS) as HD.
  assert (Hb : IZR bd > 0) by (apply IZR_lt in Hbd; lra).
  assert (E : IZR bn / IZR bd = IZR D * IZR D * (IZR bn / (IZR bd * IZR D * IZR D))) by (field; lra).
  assert (DD : IZR D * IZR D > 0) by nra. rewrite (loss_scaled D XQ yQ X y m W a HS), E. split; intros L.
  - apply Rmult_le_reg_l in L; auto.
  - apply Rmult_le_compat_l; lra.
Qed.

Definition check_least D XQ yQ X y m d ball bn bd un ud (A : endpoint) (C : cert) : bool :=
  scaled D XQ yQ X y && Z.ltb 0 bd && Z.ltb 0 ud && goodQ X y m d ball (un # Z.to_pos ud) A &&
  (Z.eqb bn 0 || (check_cover X y m d false ball bn bd false C && Nat.eqb (length (entries C)) 0)).

Theorem least_exact : forall D XQ yQ X y m d ball bn bd un ud A C,
  check_least D XQ yQ X y m d ball bn bd un ud A C = true ->
  least_within XQ yQ m d ball (IZR bn / (IZR bd * IZR D * IZR D)) (IZR un / (IZR ud * IZR D * IZR D)).
Proof.
  intros D XQ yQ X y m d ball bn bd un ud A C H. unfold check_least in H. rewrite !andb_true_iff in H.
  destruct H as [[[[HS Hbd] Hud] HA] HC]. pose proof (scaled_pos _ _ _ _ _ HS) as HD.
  apply Z.ltb_lt in Hbd, Hud. assert (Hb : IZR bd > 0 /\ IZR ud > 0) by (apply IZR_lt in Hbd, Hud; lra).
  assert (Ec : Q2R (un # Z.to_pos ud) = IZR un / IZR ud) by (unfold Q2R; simpl; rewrite Z2Pos.id; auto).
  assert (E : forall n k, IZR k > 0 -> IZR n / IZR k = IZR D * IZR D * (IZR n / (IZR k * IZR D * IZR D))) by (intros; field; lra).
  assert (DD : IZR D * IZR D > 0) by nra. split.
  - intros W a HW. apply orb_prop in HC as [HC|HC].
    + apply Z.eqb_eq in HC. subst bn. pose proof (lossq_nonneg XQ yQ m W a).
      unfold Rdiv. rewrite Rmult_0_l. lra.
    + apply andb_prop in HC as [HC HE]. apply Nat.eqb_eq in HE. destruct (entries C) as [|e l] eqn:Ee; [|discriminate].
      pose proof (least_loss X y m d false ball bn bd false C HC eq_refl Ee W a HW) as L.
      rewrite (loss_scaled D XQ yQ X y m W a HS), E in L by tauto. apply Rle_ge. apply Rge_le in L.
      apply Rmult_le_reg_l in L; auto.
  - apply goodQ_R in HA as [HB HL]. exists (W_of A), (a_of A). split; auto.
    rewrite Ec, (loss_scaled D XQ yQ X y m _ _ HS), E in HL by tauto. apply Rmult_le_reg_l in HL; auto.
Qed.

(* what is said of a table of networks by number is said of their list *)
Lemma listed : forall XQ yQ m d ball lab b (comps : list (endpoint * list entry)),
  (forall k, (k < length comps)%nat ->
     in_ball m d ball (W_of (rep comps k)) (a_of (rep comps k)) /\ lossq XQ yQ m (W_of (rep comps k)) (a_of (rep comps k)) <= b) ->
  (forall W a, in_ball m d ball W a -> lossq XQ yQ m W a <= b ->
     exists k, (k < length comps)%nat /\ linkedq XQ yQ m d ball lab b W a (rep comps k)) ->
  (forall i j, (i < length comps)%nat -> (j < length comps)%nat -> i <> j ->
     ~ linkedq XQ yQ m d ball lab b (W_of (rep comps i)) (a_of (rep comps i)) (rep comps j)) ->
  are_components XQ yQ m d ball lab b (map fst comps).
Proof.
  intros XQ yQ m d ball lab b comps C1 C2 C3.
  assert (R : forall k, rep comps k = nth k (map fst comps) (@nil (list Q * Q))).
  { intros k. unfold rep. rewrite <- (map_nth fst). reflexivity. }
  split; [|split].
  - intros A IA. apply In_nth with (d := []) in IA as (k & Hk & <-). rewrite map_length in Hk.
    rewrite <- R. apply C1, Hk.
  - intros W a HW HL. destruct (C2 W a HW HL) as (k & Hk & L). exists (rep comps k). split; auto.
    rewrite R. apply nth_In. rewrite map_length. auto.
  - intros i j Hi Hj N. rewrite map_length in Hi, Hj. rewrite <- !R. apply (C3 i j Hi Hj N).
Qed.

Theorem components_exact : forall D XQ yQ X y m d ball bn bd all hubs comps,
  scaled D XQ yQ X y && Z.ltb 0 bd && check_components X y m d ball bn bd all hubs comps = true ->
  are_components XQ yQ m d ball false (IZR bn / (IZR bd * IZR D * IZR D)) (map fst comps).
Proof.
  intros D XQ yQ X y m d ball bn bd all hubs comps H. rewrite !andb_true_iff in H. destruct H as [[HS Hbd] H].
  apply Z.ltb_lt in Hbd. pose proof (loss_level D XQ yQ X y m bn bd HS Hbd) as Le.
  set (b := IZR bn / (IZR bd * IZR D * IZR D)) in *.
  assert (Li : forall W a A, linked X y m d ball bn bd W a A <-> linkedq XQ yQ m d ball false b W a A).
  { intros W a A. unfold linked, linkedq, joined. split.
    - intros (f & g & B & V & v & P & V0 & V1 & G). exists f, g, V, v.
      split; [auto|split; [discriminate|split; [auto|split; [auto|split; [auto|]]]]].
      intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto. apply Le; auto.
    - intros (f & g & V & v & B & _ & P & V0 & V1 & G). exists f, g. split; auto. exists V, v. split; auto. split; auto. split; auto.
      intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto. apply Le; auto. }
  pose proof (components X y m d ball bn bd all hubs comps H) as (C1 & C2 & C3). apply listed.
  - intros k Hk. destruct (C1 k Hk) as [G1 G2]. split; [exact G1|apply Le, G2].
  - intros W a HW HL. apply Le in HL. destruct (C2 W a HW HL) as (k & Hk & L). exists k. split; auto. apply Li, L.
  - intros i j Hi Hj N L. apply Li in L. apply (C3 i j Hi Hj N L).
Qed.

Theorem labelled_exact : forall D XQ yQ X y m d ball bn bd all hubs comps,
  scaled D XQ yQ X y && Z.ltb 0 bd && check_labelled X y m d ball bn bd all hubs comps = true ->
  are_components XQ yQ m d ball true (IZR bn / (IZR bd * IZR D * IZR D)) (map fst comps).
Proof.
  intros D XQ yQ X y m d ball bn bd all hubs comps H. rewrite !andb_true_iff in H. destruct H as [[HS Hbd] H].
  apply Z.ltb_lt in Hbd. pose proof (loss_level D XQ yQ X y m bn bd HS Hbd) as Le.
  set (b := IZR bn / (IZR bd * IZR D * IZR D)) in *.
  assert (Li : forall W a A, joined X y m d ball (IZR bn / IZR bd) W a (W_of A) (a_of A) <-> linkedq XQ yQ m d ball true b W a A).
  { intros W a A. unfold linkedq, joined. split.
    - intros (V & v & P & V0 & V1 & G). exists (fun x => x), (fun x => x), V, v.
      split; [apply Bij_id|split; [auto|split; [auto|split; [auto|split; [auto|]]]]].
      intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto. apply Le; auto.
    - intros (f & g & V & v & B & I & P & V0 & V1 & G). exists V, v. split; auto. split; [|split; auto].
      + intros j Hj. destruct (V0 j Hj) as [E1 E2]. rewrite (I eq_refl j Hj) in E1, E2. split; auto.
      + intros t Ht. destruct (G t Ht) as [G1 G2]. split; auto. apply Le; auto. }
  pose proof (labelled X y m d ball bn bd all hubs comps H) as (C1 & C2 & C3). apply listed.
  - intros k Hk. destruct (C1 k Hk) as [G1 G2]. split; [exact G1|apply Le, G2].
  - intros W a HW HL. apply Le in HL. destruct (C2 W a HW HL) as (k & Hk & L). exists k. split; auto. apply Li, L.
  - intros i j Hi Hj N L. apply Li in L. apply (C3 i j Hi Hj N L).
Qed.
