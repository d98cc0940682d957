(* Networks, loss, cells, paths; and a locally constant property of [0,1] is constant. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool Classical.
Require Import Isthmus.Vec.
Import ListNotations.
Open Scope R_scope.

(* ---- definitions that the theorem's statement needs ---- *)

Fixpoint sumlt (m : nat) (f : nat -> R) : R :=
  match m with O => 0 | S m' => sumlt m' f + f m' end.

(* output of the network at a row x: m neurons with inner weights W j and outer weights a j *)
Definition net (m : nat) (W : nat -> rvec) (a : nat -> R) (x : row) : R :=
  sumlt m (fun j => a j * Rmax 0 (dot x (W j))).

Fixpoint sqerr (F : row -> R) (X : list row) (y : list Z) : R :=
  match X, y with
  | x :: X', v :: y' => (F x - IZR v) ^ 2 + sqerr F X' y'
  | _, _ => 0
  end.

Definition loss (X : list row) (y : list Z) m W a : R := / 2 * sqerr (net m W a) X y.

Definition cont01 (f : R -> R) : Prop := forall t, 0 <= t <= 1 ->
  forall eps, eps > 0 -> exists del, del > 0 /\
    forall s, 0 <= s <= 1 -> Rabs (s - t) < del -> Rabs (f s - f t) < eps.

Definition is_path (m d : nat) (W : R -> nat -> rvec) (a : R -> nat -> R) : Prop :=
  (forall j i, (j < m)%nat -> (i < d)%nat -> cont01 (fun t => W t j i)) /\
  (forall j, (j < m)%nat -> cont01 (fun t => a t j)).

(* the l2 norm of the first d entries *)
Definition norm (d : nat) (u : rvec) : R := sqrt (sumlt d (fun i => u i * u i)).

(* the spectral norm of the matrix with columns W 0 .. W (m - 1) is at most r: |W z| <= r |z| *)
Definition spectral (m d : nat) (W : nat -> rvec) (r : R) : Prop :=
  forall z, norm d (fun i => sumlt m (fun j => z j * W j i)) <= r * norm m z.

(* balls of radius p / q, by the vectors a_j w_j: their entries, each one's norm, the sum of the norms; their spectral
   norm; and their 2-summing norm, which says that they are b_j v_j with |b| <= 1 and a spectral norm of v in the radius *)
Inductive balls := Free | Entrywise (p q : Z) | Columns (p q : Z) | Frobenius (p q : Z) | Spectral (p q : Z) | Summing (p q : Z).
Definition in_ball (m d : nat) (ball : balls) (W : nat -> rvec) (a : nat -> R) : Prop :=
  match ball with
  | Free => True
  | Entrywise p q => forall j i, (j < m)%nat -> (i < d)%nat -> Rabs (a j * W j i) <= IZR p / IZR q
  | Columns p q => forall j, (j < m)%nat -> norm d (fun i => a j * W j i) <= IZR p / IZR q
  | Frobenius p q => sumlt m (fun j => norm d (fun i => a j * W j i)) <= IZR p / IZR q
  | Spectral p q => spectral m d (fun j i => a j * W j i) (IZR p / IZR q)
  | Summing p q => exists V b, (forall j i, (j < m)%nat -> (i < d)%nat -> a j * W j i = b j * V j i) /\
      norm m b <= 1 /\ spectral m d V (IZR p / IZR q)
  end.

(* networks with rational parameters: neurons (w, a) *)
Definition endpoint := list (list Q * Q).
Definition qW (A : endpoint) (j i : nat) : Q := nth i (fst (nth j A ([], 0%Q))) 0%Q.
Definition qa (A : endpoint) (j : nat) : Q := snd (nth j A ([], 0%Q)).
Definition is_net (m d : nat) (A : endpoint) (W : nat -> rvec) (a : nat -> R) : Prop :=
  forall j, (j < m)%nat -> a j = Q2R (qa A j) /\ forall i, (i < d)%nat -> W j i = Q2R (qW A j i).

(* a permutation of the neurons; the identity if they are labelled *)
Definition renaming (lab : bool) (m : nat) (s : nat -> nat) : Prop :=
  (forall j, (j < m)%nat -> (s j < m)%nat) /\
  (forall i j, (i < m)%nat -> (j < m)%nat -> s i = s j -> i = j) /\
  (lab = true -> forall j, (j < m)%nat -> s j = j).

(* ---- cells ---- *)

Definition uvec (W : nat -> rvec) (a : nat -> R) (j : nat) : rvec := fun i => Rabs (a j) * W j i.
Definition sgn (s : bool) : R := if s then 1 else -1.
Definition state := (bool * nat)%type.
Definition cell := list state.
Definition st (c : cell) (j : nat) : state := nth j c (true, O).

(* P i: a point inside the i-th cone *)
Definition in_cell (X : list row) (P : nat -> rvec) m W a (c : cell) : Prop :=
  forall j, (j < m)%nat ->
    sgn (fst (st c j)) * a j >= 0 /\
    forall x, In x X -> dot x (P (snd (st c j))) * dot x (uvec W a j) >= 0.

Lemma dot_u : forall x W a j, dot x (uvec W a j) = Rabs (a j) * dot x (W j).
Proof. intros; apply dot_scale. Qed.

(* ---- near t ---- *)

Definition near (t : R) (Q : R -> Prop) : Prop :=
  exists del, del > 0 /\ forall s, 0 <= s <= 1 -> Rabs (s - t) < del -> Q s.

Lemma near_true : forall t (Q : R -> Prop), (forall s, Q s) -> near t Q.
Proof. intros; exists 1; split; [lra|auto]. Qed.

Lemma near_and : forall t Q R, near t Q -> near t R -> near t (fun s => Q s /\ R s).
Proof.
  intros t Q R (d & Hd & HQ) (e & He & HR). exists (Rmin d e). split; [apply Rmin_glb_lt; auto|].
  intros s Hs H. split; [apply HQ|apply HR]; auto; eapply Rlt_le_trans; eauto; [apply Rmin_l|apply Rmin_r].
Qed.

Lemma near_imp : forall t (Q R : R -> Prop), (forall s, Q s -> R s) -> near t Q -> near t R.
Proof. intros t Q R H (d & Hd & HQ). exists d; split; auto. Qed.

Lemma near_list : forall (A : Type) (l : list A) t (Q : A -> R -> Prop),
  (forall x, In x l -> near t (Q x)) -> near t (fun s => forall x, In x l -> Q x s).
Proof.
  intros A l t Q. induction l as [|a l IH]; intros H.
  - apply near_true. intros s x [].
  - eapply near_imp; [|apply near_and; [apply (H a); left; auto|apply IH; intros; apply H; right; auto]].
    simpl. intros s [Ha Hl] x [<-|I]; auto.
Qed.

Lemma near_lt : forall m t (Q : nat -> R -> Prop),
  (forall j, (j < m)%nat -> near t (Q j)) -> near t (fun s => forall j, (j < m)%nat -> Q j s).
Proof.
  intros m t Q H. eapply near_imp; [|apply (near_list nat (seq 0 m) t Q)].
  - simpl. intros s Hs j Hj. apply Hs. apply in_seq. lia.
  - intros j Hj. apply H. apply in_seq in Hj. lia.
Qed.

Lemma near_pos : forall f t, cont01 f -> 0 <= t <= 1 -> f t > 0 -> near t (fun s => f s > 0).
Proof.
  intros f t C Ht H. destruct (C t Ht (f t) H) as (d & Hd & HH). exists d. split; auto.
  intros s Hs Hst. specialize (HH s Hs Hst). apply Rabs_def2 in HH. lra.
Qed.

(* the sign of a continuous function at nearby points refines its sign at t *)
Definition refines (now there : R) := (there > 0 -> now > 0) /\ (there < 0 -> now < 0).

(* ---- continuity ---- *)

Definition I01 t := 0 <= t <= 1.
Lemma cont01_lim : forall f, cont01 f <-> forall t, I01 t -> limit1_in f I01 (f t) t.
Proof.
  intros f. unfold cont01, limit1_in, limit_in, I01. simpl. unfold R_dist. split.
  - intros C t Ht eps He. destruct (C t Ht eps He) as (d & Hd & H). exists d. split; auto.
    intros s [Hs Hst]; auto.
  - intros C t Ht eps He. destruct (C t Ht eps He) as (d & Hd & H). exists d. split; auto.
Qed.

Lemma cont01_const : forall c, cont01 (fun _ => c).
Proof. intros c t _ eps He. exists 1; split; [lra|]. intros. rewrite Rminus_diag_eq, Rabs_R0; auto. Qed.

Lemma cont01_plus : forall f g, cont01 f -> cont01 g -> cont01 (fun t => f t + g t).
Proof.
  intros f g Cf Cg. apply cont01_lim. intros t Ht.
  apply (limit_plus f g I01 (f t) (g t) t); [apply (proj1 (cont01_lim f))|apply (proj1 (cont01_lim g))]; auto.
Qed.

Lemma cont01_mult : forall f g, cont01 f -> cont01 g -> cont01 (fun t => f t * g t).
Proof.
  intros f g Cf Cg. apply cont01_lim. intros t Ht.
  apply (limit_mul f g I01 (f t) (g t) t); [apply (proj1 (cont01_lim f))|apply (proj1 (cont01_lim g))]; auto.
Qed.

Lemma cont01_ext : forall f g, (forall t, f t = g t) -> cont01 f -> cont01 g.
Proof.
  intros f g E C t Ht eps He. destruct (C t Ht eps He) as (d & Hd & H). exists d. split; auto.
  intros s Hs Hst. rewrite <- !E. auto.
Qed.

Lemma cont01_abs : forall f, cont01 f -> cont01 (fun t => Rabs (f t)).
Proof.
  intros f C t Ht eps He. destruct (C t Ht eps He) as (d & Hd & H). exists d. split; auto.
  intros s Hs Hst. eapply Rle_lt_trans; [apply Rabs_triang_inv2|auto].
Qed.

Lemma cont01_dot : forall x (U : R -> rvec), (forall i, cont01 (fun t => U t i)) ->
  cont01 (fun t => dot x (U t)).
Proof.
  induction x as [|a x IH]; intros U C; simpl.
  - apply cont01_const.
  - apply cont01_plus.
    + apply cont01_mult; [apply cont01_const|apply C].
    + apply (IH (fun t i => U t (S i))). intros i; apply (C (S i)).
Qed.

Lemma near_refines : forall f t, cont01 f -> 0 <= t <= 1 -> near t (fun s => refines (f s) (f t)).
Proof.
  intros f t C Ht. destruct (Rtotal_order (f t) 0) as [L|[E|G]].
  - eapply near_imp; [|apply (near_pos (fun t => -1 * f t) t)]; auto.
    + simpl. intros s Hs. split; intros; lra.
    + apply cont01_mult; auto. apply cont01_const.
    + lra.
  - apply near_true. intros s. split; intros; lra.
  - eapply near_imp; [|apply (near_pos f t)]; auto. simpl. intros s Hs. split; intros; lra.
Qed.

(* ---- [0,1] is connected ---- *)

Lemma connected01 : forall Q : R -> Prop,
  (forall t, 0 <= t <= 1 -> near t (fun s => Q s <-> Q t)) -> Q 0 -> Q 1.
Proof.
  intros Q H Q0.
  set (E := fun t => 0 <= t <= 1 /\ forall s, 0 <= s <= t -> Q s).
  assert (E0 : E 0). { split; [lra|]. intros s Hs. replace s with 0 by lra. auto. }
  destruct (completeness E) as [c [ub lub]].
  - exists 1. intros t [Ht _]. lra.
  - exists 0; auto.
  - assert (Hc : 0 <= c <= 1). { split; [apply ub; auto|]. apply lub. intros t [Ht _]. lra. }
    destruct (H c Hc) as (d & Hd & Hn).
    assert (Ex : exists e, E e /\ c - d < e).
    { apply NNPP. intros N. assert (c <= c - d); [|lra]. apply lub. intros e Ee.
      destruct (Rle_lt_dec e (c - d)); auto. exfalso; apply N; eauto. }
    destruct Ex as (e & [He HE] & Hce). assert (e <= c) by (apply ub; split; auto).
    assert (Qc : Q c). { apply (Hn e He); [apply Rabs_def1; lra|]. apply HE; lra. }
    assert (E' : E (Rmin 1 (c + d / 2))).
    { split; [split; [apply Rmin_glb; lra|apply Rmin_l]|].
      intros s [Hs0 Hs]. assert (s <= 1) by (eapply Rle_trans; [exact Hs|apply Rmin_l]).
      assert (s <= c + d / 2) by (eapply Rle_trans; [exact Hs|apply Rmin_r]).
      destruct (Rle_lt_dec s e); [apply HE; lra|]. apply (Hn s); [lra|apply Rabs_def1; lra|auto]. }
    apply ub in E'. destruct (Rle_lt_dec 1 c) as [L|L].
    + replace 1 with c by lra. auto.
    + exfalso. revert E'. apply Rlt_not_le. apply Rmin_glb_lt; lra.
Qed.
