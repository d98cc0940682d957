(* The path components of {loss <= b} (in a ball), up to the order of neurons. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool Permutation.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Cover Isthmus.Connect.
Import ListNotations.
Open Scope R_scope.

(* a low cell: the component it belongs to, a network in it, and moves from there to the representative *)
Record hub := Hub { h_comp : nat; h_net : endpoint; h_moves : list endpoint; h_end : endpoint }.

Definition same_net (A B : endpoint) : bool := permb _ neuron_eqb A B.

(* all: certificate with all low cells; hubs: one for each of its entries; comps: representatives, each with
   the certificate of its own cells *)
Definition check_components X y m d ball bn bd (all : cert) (hubs : list hub) (comps : list (endpoint * cert)) : bool :=
  let c := (bn # Z.to_pos bd)%Q in
  let rep k := fst (nth k comps ([], all)) in
  Z.ltb 0 bd && check_cover X y m d false ball bn bd true all &&
  Nat.eqb (length hubs) (length (entries all)) &&
  forallb (fun eh => let h := snd eh in
      Nat.ltb (h_comp h) (length comps) && contains X all m (h_net h) (states (fst eh)) &&
      check_path X y m d ball c (h_net h) (h_moves h) (h_end h) && same_net (rep (h_comp h)) (h_end h))
    (combine (entries all) hubs) &&
  forallb (fun k => Nat.eqb (length (rep k)) m && goodQ X y m d ball c (rep k)) (seq 0 (length comps)) &&
  forallb (fun i => forallb (fun j => Nat.eqb i j ||
      check_barrier X y m d false ball bn bd true (rep i) (rep j) (snd (nth i comps ([], all))))
    (seq 0 (length comps))) (seq 0 (length comps)).

Section Sound.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable bn bd : Z.
Variable all : cert.
Variable hubs : list hub.
Variable comps : list (endpoint * cert).
Hypothesis OK : check_components X y m d ball bn bd all hubs comps = true.
Let b := IZR bn / IZR bd.
Definition rep k := fst (nth k comps ([], all)).

(* the network W, a, its neurons in some order, is joined to A by a path of loss <= b in the ball *)
Definition linked W a (A : endpoint) : Prop :=
  exists f g, Bij m f g /\ joined X y m d ball b (fun j => W (g j)) (fun j => a (g j)) (W_of A) (a_of A).

Theorem components :
  (forall k, (k < length comps)%nat -> in_ball m d ball (W_of (rep k)) (a_of (rep k)) /\ loss X y m (W_of (rep k)) (a_of (rep k)) <= b) /\
  (forall W a, in_ball m d ball W a -> loss X y m W a <= b -> exists k, (k < length comps)%nat /\ linked W a (rep k)) /\
  (forall i j, (i < length comps)%nat -> (j < length comps)%nat -> i <> j ->
     ~ linked (W_of (rep i)) (a_of (rep i)) (rep j)).
Proof.
  pose proof OK as H. unfold check_components in H. rewrite !andb_true_iff in H.
  destruct H as [[[[[Hbd Hcov] Hlen] Hhub] Hrep] Hsep]. apply Z.ltb_lt in Hbd. apply Nat.eqb_eq in Hlen.
  rewrite forallb_forall in Hhub, Hrep, Hsep.
  assert (Ec : Q2R (bn # Z.to_pos bd) = b) by (unfold Q2R, b; simpl; rewrite Z2Pos.id; auto).
  assert (Len : forall x, In x X -> (length x <= d)%nat).
  { pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ (cov_check _ _ _ _ _ _ _ _ _ _ Hcov)) as Rw.
    unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
    destruct Rw as [[[[[_ Rw] _] _] _] _]. rewrite forallb_forall in Rw. intros x Ix. apply Nat.leb_le. auto. }
  assert (Lrep : forall k, (k < length comps)%nat -> length (rep k) = m /\ good X y m d ball b (W_of (rep k)) (a_of (rep k))).
  { intros k Hk. specialize (Hrep k (in_seq0 _ _ Hk)). apply andb_prop in Hrep as [R1 R2].
    apply Nat.eqb_eq in R1. apply goodQ_R in R2. rewrite Ec in R2. auto. }
  split; [|split].
  - intros k Hk. apply (Lrep k Hk).
  - intros W a Hb Hl.
    destruct (cover_sound _ _ _ _ _ _ _ _ _ _ Hcov W a Hb) as (c0 & f & g & I0 & B & Hc).
    { unfold below. exact Hl. }
    apply in_map_iff in I0 as (e & Ee & Ie).
    destruct (In_nth _ _ (Entry [] [] []) Ie) as (n & Hn & En).
    set (h := nth n hubs (Hub 0 [] [] [])).
    assert (Ih : In (e, h) (combine (entries all) hubs)).
    { rewrite <- En. unfold h. rewrite <- combine_nth by auto. apply nth_In. rewrite combine_length, Hlen, Nat.min_id. auto. }
    specialize (Hhub _ Ih). cbn [fst snd] in Hhub. rewrite !andb_true_iff in Hhub.
    destruct Hhub as [[[K1 K2] K3] K4]. apply Nat.ltb_lt in K1.
    exists (h_comp h). split; auto.
    assert (Hq : is_net m d (h_net h) (W_of (h_net h)) (a_of (h_net h))) by (intros j Hj; split; auto).
    apply (contains_iff X all m d _ _ _ _ Len Hq) in K2. rewrite Ee in K2.
    assert (Gq : good X y m d ball b (W_of (h_net h)) (a_of (h_net h))).
    { unfold check_path in K3. rewrite !andb_true_iff in K3. destruct K3 as [[[_ K3] _] _].
      apply goodQ_R in K3. rewrite Ec in K3. auto. }
    assert (G : good X y m d ball b (fun j => W (g j)) (fun j => a (g j))).
    { split.
      - apply (in_ball_bij m d ball g f); auto. apply Bij_sym; auto.
      - rewrite (loss_bij X y m g f W a); auto. apply Bij_sym; auto. }
    (* the loss sees nonzero rows only through dot products: zero rows are on every side *)
    assert (J1 : joined X y m d ball b (fun j => W (g j)) (fun j => a (g j)) (W_of (h_net h)) (a_of (h_net h))).
    { apply (one_cell_nz X y m d ball b Len (fun i => vec (pat all i)) c0); auto.
      intros j x Hj Ix. rewrite <- dotZ_dot. apply not_0_IZR.
      assert (I0' : In c0 (map states (entries all))) by (rewrite <- Ee; apply in_map; auto).
      pose proof (cov_check _ _ _ _ _ _ _ _ _ _ Hcov) as Ck.
      destruct (neuron_ok _ _ _ _ _ _ _ _ _ _ Ck c0 j I0' Hj) as (fl & cr & Ch).
      unfold check_neuron in Ch. rewrite !andb_true_iff in Ch. destruct Ch as [[Ch _] _].
      apply Nat.ltb_lt in Ch. eapply pat_generic; eauto. }
    destruct (barrier_upper_bound X y m d ball _ _ _ _ K3) as (V & v & PV & V0 & V1 & GV). rewrite Ec in GV.
    unfold same_net in K4. apply (permb_perm _ _ neuron_eqb_eq) in K4.
    destruct (Lrep _ K1) as [Lr _].
    assert (K4' : Permutation (rep (h_comp h)) (h_end h)) by exact K4.
    apply (Permutation_Bij _ ([], 0%Q)) in K4' as (f2 & g2 & B2 & E2).
    assert (B2' : Bij m f2 g2) by (rewrite <- Lr; exact B2).
    (* permute everything by g2 *)
    exists (fun x => f2 (f x)), (fun x => g (g2 x)). split; [apply Bij_comp; auto|].
    assert (P2 : forall W1 a1 W2 a2, joined X y m d ball b W1 a1 W2 a2 ->
      joined X y m d ball b (fun j => W1 (g2 j)) (fun j => a1 (g2 j)) (fun j => W2 (g2 j)) (fun j => a2 (g2 j))).
    { intros W1 a1 W2 a2 (U & e' & [CU Ce] & U0 & U1 & GU).
      assert (G2 : forall j, (j < m)%nat -> (g2 j < m)%nat) by (intros j Hj; apply (B2' j Hj)).
      exists (fun t j => U t (g2 j)), (fun t j => e' t (g2 j)). split; [split|split; [|split]].
      - intros j i Hj Hi. apply CU; auto.
      - intros j Hj. apply Ce; auto.
      - intros j Hj. apply U0; auto.
      - intros j Hj. apply U1; auto.
      - intros t Ht. destruct (GU t Ht) as [Q1 Q2]. split.
        + apply (in_ball_bij m d ball g2 f2); auto. apply Bij_sym; auto.
        + rewrite (loss_bij X y m g2 f2 (U t) (e' t)); auto. apply Bij_sym; auto. }
    apply P2 in J1.
    apply (joined_trans X y m d ball b Len _ _ _ _ _ _ J1).
    assert (J2 : joined X y m d ball b (W_of (h_net h)) (a_of (h_net h)) (W_of (h_end h)) (a_of (h_end h))).
    { exists V, v. split; [exact PV|]. split; [intros j Hj; destruct (V0 j Hj); split; auto|].
      split; [intros j Hj; destruct (V1 j Hj); split; auto|exact GV]. }
    apply P2 in J2. apply (joined_ext X y m d ball b _ _ _ _ _ _ J2).
    intros j Hj. destruct (B2' j Hj) as (_ & G2 & _ & FG).
    assert (N2 : nth (g2 j) (h_end h) ([], 0%Q) = nth j (rep (h_comp h)) ([], 0%Q)).
    { rewrite E2 by (rewrite Lr; auto). rewrite FG. auto. }
    unfold W_of, a_of, qW, qa. rewrite N2. split; auto.
  - intros i j Hi Hj Nij (f & g & B & (V & v & PV & V0 & V1 & GV)).
    specialize (Hsep i (in_seq0 _ _ Hi)). rewrite forallb_forall in Hsep. specialize (Hsep j (in_seq0 _ _ Hj)).
    destruct (Nat.eqb_spec i j) as [E|_]; [auto|]. simpl in Hsep.
    (* undo the renaming g along the path *)
    assert (Fm : forall x, (x < m)%nat -> (f x < m)%nat) by (intros x Hx; apply (B x Hx)).
    destruct PV as [CV Cv].
    destruct (barrier_lower_bound_gen _ _ _ _ _ _ _ _ _ _ _ _ Hsep (fun t x => V t (f x)) (fun t x => v t (f x))) as (t & Ht & L).
    + split; intros; [apply CV|apply Cv]; auto.
    + intros t Ht. destruct (GV t Ht) as [Q1 _]. apply (in_ball_bij m d ball f g); auto.
    + intros x Hx. destruct (B x Hx) as (Fx & _ & GF & _). destruct (V0 (f x) Fx) as [P1 P2]. rewrite GF in P1, P2.
      split; auto.
    + exists g. split.
      * split; [|split].
        -- intros x Hx. apply (B x Hx).
        -- intros x z Hx Hz E. destruct (B x Hx) as (_ & _ & _ & E1). destruct (B z Hz) as (_ & _ & _ & E2). congruence.
        -- discriminate.
      * intros x Hx. destruct (B x Hx) as (_ & _ & _ & FG). rewrite FG. destruct (V1 x Hx) as [P1 P2]. split; auto.
    + destruct (GV t Ht) as [_ Q2]. cbn beta iota in L.
      rewrite (loss_bij X y m f g (V t) (v t) B) in L. unfold b in Q2. lra.
Qed.
End Sound.
